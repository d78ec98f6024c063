"""The pages of what staff do to a version, sent as a browser would."""

import re
from typing import Any

from django.test import Client

from movespecs.models import MoveSpec, MoveSpecVersion, Release
from tests.admin.staffing import address, text_of
from tests.api.api_requests import database_state
from tests.conftest import VALID_YAML

SECOND = VALID_YAML.replace("angle_max: 100", "angle_max: 95")
WARNED = VALID_YAML.replace("angle_max: 100", "angle_max: 165")


def act(client: Client, version: MoveSpecVersion, name: str, **more: str) -> Any:
    """Open the page of the action, and send it as a browser would."""
    shown = client.get(address(version, name))
    assert shown.status_code == 200
    return send(client, version, name, seen_on(shown), **more)


def send(client: Client, version: MoveSpecVersion, name: str, seen: str, **more: str) -> Any:
    body = {"reason": "It counts shallow squats.", "seen": seen, **more}
    return client.post(address(version, name), body, follow=True)


def seen_on(page: Any) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', text_of(page))
    return found[1] if found else ""


def latest_release_of(movespec: MoveSpec) -> str:
    return str(Release.objects.filter(movespec=movespec).latest("id").id)


def released_of(movespec: MoveSpec) -> Any:
    return MoveSpec.objects.get(id=movespec.id).current_released_version_id


def history_of(movespec: MoveSpec) -> list[tuple[Any, ...]]:
    """From, to, who and why of each release, the newest first."""
    return [
        (
            one.from_version and one.from_version.version_number,
            one.to_version and one.to_version.version_number,
            one.released_by_staff and one.released_by_staff.username,
            one.reason,
        )
        for one in Release.objects.filter(movespec=movespec)
    ]


def changed_by_staff(before: dict[str, Any]) -> set[str]:
    """The tables that changed, but for the sessions of staff, which every request may touch."""
    after = database_state()
    return {table for table in after if after[table] != before[table]} - {"django_session"}
