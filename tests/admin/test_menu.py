"""What the first page and the sidebar lead to, for each role; and the history of what was done."""

from typing import Any

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from movespecs.models import MoveSpec, Release
from staff.dashboard import GROUPS, TASKS
from tests.admin.staffing import address, member, text_of
from tests.conftest import VALID_YAML, Machine, make_version

KEYS = {"Onboard a customer", "Issue an API key", "Rotate or revoke a key"}
RELEASING = {"Release, roll back or withdraw a version"}


def tasks(client: Client) -> set[str]:
    page = client.get(reverse("admin:index"))
    assert all(client.get(path).status_code == 200 for _label, path in page.context["tasks"])
    return {label for label, _path in page.context["tasks"]}


def test_the_first_page_offers_what_each_role_may_do(db: None) -> None:
    everything = {label for label, *_ in TASKS}
    assert tasks(member("operators")) == everything
    assert tasks(member("support")) == everything - KEYS - RELEASING
    assert tasks(member("release managers")) == everything - KEYS


def test_every_page_that_is_registered_is_in_one_group() -> None:
    grouped = [model for models in GROUPS.values() for model in models]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(admin.site._registry)


def test_a_release_a_roll_back_and_a_withdrawal_are_in_the_history_of_all_that_they_touch(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    first = movespec.current_released_version
    second = make_version(movespec.id, VALID_YAML + "# two\n")
    for version, action, done in (
        (second, "release", "Released version 2"),
        (first, "roll-back", "Rolled back to version 1"),
        (second, "withdraw", "Withdrew version 2"),
    ):
        seen = Release.objects.latest("id").pk
        operator.post(address(version, action), {"reason": "A reason", "seen": seen})
        shown: list[Any] = [movespec, first, second, Release.objects.latest("id")]
        for row in shown:
            page = text_of(operator.get(address(row, "history")))
            assert "<title>History of Acme / owner / " in page
            assert f"<td>{done} of Acme / owner / Squat.</td><td>A reason</td>" in page
