"""What a newcomer does first, over the real server and with the tools at hand."""

import json
import subprocess
from datetime import UTC, datetime

import pytest

from movespecs.catalogue import FOLDER, catalogue_load
from movespecs.models import MoveSpec, Release
from tests.concurrency.racing import Connection
from tests.conftest import MOVESPECS, SESSIONS, Machine
from tests.module_servers import WebServer
from tests.movespecs.writing import make_movespec
from tests.plugin import installed

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_movement_of_the_catalogue_is_usable_after_two_requests(
    owner: Machine, web: WebServer
) -> None:
    catalogue_load(now=datetime.now(UTC))
    squat = MoveSpec.objects.get(name="squat")
    api = Connection(web.base_url)
    path = f"{MOVESPECS}/{squat.id}/fork"
    fork = api.call("POST", path, {"release": True}, owner.token)
    assert fork.status == 201
    session = {
        "mode": "live",
        "project_id": str(owner.project.id),
        "movespec_id": fork.json()["movespec_id"],
    }
    created = api.call("POST", SESSIONS, session, owner.token)
    assert created.status == 201
    release = Release.objects.get(movespec_id=fork.json()["movespec_id"])
    assert created.json()["resolved_movespec_version_id"] == str(release.to_version_id)
    assert release.to_version is not None
    assert release.to_version.yaml_source == (FOLDER / "squat.yaml").read_text()


def test_curl_puts_a_file_as_a_draft(owner: Machine, web: WebServer) -> None:
    movespec = make_movespec(owner.project)
    squat = FOLDER / "squat.yaml"
    command = [
        installed("curl"), "-sS", "-X", "PUT", f"{web.base_url}{MOVESPECS}/{movespec.id}/draft",
        "-H", f"Authorization: Bearer {owner.token}",
        "-H", "Content-Type: application/yaml",
        "--data-binary", f"@{squat}",
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
    assert json.loads(answer)["yaml_source"] == squat.read_text()
    movespec.draft.refresh_from_db()
    assert movespec.draft.yaml_source == squat.read_text()
