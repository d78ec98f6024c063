import json
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.utils import timezone

from dev.local_stack.demo_data import make_demo
from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.models import MoveSpec
from projects.models import Credential, Project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
BASE_URL = "http://127.0.0.1:8000"
STREAM_URL = "ws://127.0.0.1:8001/api/detection/stream"


@pytest.fixture
def catalogue() -> None:
    catalogue_load(now=timezone.now())


def demo(tmp_path: Path) -> dict[str, str]:
    make_demo(tmp_path, base_url=BASE_URL, stream_url=STREAM_URL)
    made: dict[str, str] = json.loads((tmp_path / "demo.json").read_text())
    return made


def test_its_movespec_is_the_catalogue_s_squat_by_another_name(tmp_path: Path) -> None:
    squat = MoveSpec.objects.get(id=catalogue_id("squat"))
    movespec = MoveSpec.objects.get(id=demo(tmp_path)["movespec_id"])
    released = movespec.current_released_version
    assert released is not None
    assert squat.current_released_version is not None
    assert released.yaml_source == squat.current_released_version.yaml_source
    assert (movespec.name, movespec.description) == ("Demo squat", squat.description)
    assert (movespec.forked_from_id, movespec.visibility) == (squat.id, "private")


def test_it_keeps_what_is_there(tmp_path: Path) -> None:
    assert demo(tmp_path) == demo(tmp_path)
    assert Project.objects.filter(name="Demo").count() == 1
    assert Credential.objects.count() == 1


@pytest.mark.parametrize("lost", ["key", "movespec"])
def test_it_makes_a_project_anew_if_the_key_or_the_movespec_is_gone(
    tmp_path: Path, lost: str
) -> None:
    made = demo(tmp_path)
    if lost == "key":
        Credential.objects.filter(id=made["api_key_id"]).update(revoked_at=timezone.now())
    else:
        MoveSpec.objects.filter(id=made["movespec_id"]).update(archived_at=timezone.now())
    remade = demo(tmp_path)
    kept = {"base_url", "stream_url", "admin_username", "admin_password"}
    assert {name for name in made if made[name] == remade[name]} == kept
    assert demo(tmp_path) == remade


@pytest.mark.long
def test_it_leaves_another_admin_alone(tmp_path: Path) -> None:
    get_user_model().objects.create_superuser("admin", "someone@example.com", "theirs")
    made = demo(tmp_path)
    assert made["admin_username"] == "demo-admin"
    assert authenticate(username="admin", password="theirs") is not None
    assert authenticate(username="demo-admin", password=made["admin_password"]) is not None


def test_a_shell_has_its_values(tmp_path: Path) -> None:
    made = demo(tmp_path)
    names = ("URL", "STREAM", "API_KEY", "PROJECT_ID", "MOVESPEC_ID")
    told = subprocess.run(
        ["sh", "-euc", '. "$0"; env', tmp_path / "demo.env"],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    variables = dict(line.split("=", 1) for line in told.stdout.splitlines())
    assert {name: variables[f"KYNA_{name}"] for name in names} == {
        "URL": BASE_URL,
        "STREAM": "ws://127.0.0.1:8001",
        "API_KEY": made["api_key_secret"],
        "PROJECT_ID": made["project_id"],
        "MOVESPEC_ID": made["movespec_id"],
    }
