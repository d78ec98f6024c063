"""docs/ for operators: the processes that their commands name are those that are started."""

import re
import subprocess
from typing import Any

import pytest
import yaml

import detection
from dev.local_stack.environment import PROJECT
from tests.deploy.releases import releases
from tests.documented import commands

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
OURS = [name for name, service in COMPOSE.items() if "build" in service and name != "migrate"]


def page(name: str) -> str:
    return (PROJECT / "docs" / name).read_text()


def git(*words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_a_dump_before_an_upgrade_is_that_of_every_day() -> None:
    """But for what a release before has no command for."""
    taken = commands("upgrades.md", "pg_dump")
    assert commands("backup.md", "pg_dump --format").startswith(f"{taken.rstrip()} &&\n")
    assert "manage.py" not in taken


def test_every_service_is_restarted() -> None:
    assert re.findall(r"for service in (.*?);", page("upgrades.md")) == [" ".join(OURS)] * 2


def test_a_restore_stops_every_service() -> None:
    assert f"docker compose stop nginx {' '.join(OURS)} &&\n" in page("backup.md")


def test_a_release_stores_the_form_that_the_page_tells() -> None:
    there = git("rev-parse", "--git-dir")
    if there is None:
        pytest.skip("this is no checkout of the repository")
    for release in releases():
        told = git("grep", "-h", "^SNAPSHOT_FORM = ", release.commit, "--", "detection/engine")
        if told is None:
            pytest.skip(f"commit {release.commit} is not in this repository")
        assert told == f"SNAPSHOT_FORM = {release.form}\n"


def test_todays_code_reads_the_form_of_the_last_release() -> None:
    """What each form of golden states was stored by is held by tests/detection."""
    golden = PROJECT / "tests" / "detection" / "golden_states"
    read = {path.name for path in golden.iterdir()}
    assert f"form-{detection.SNAPSHOT_FORM}" in read
    [last, *_] = releases()
    assert f"form-{last.form}" in read


@pytest.mark.parametrize("name", ["backup.md", "operations.md", "upgrades.md"])
def test_compose_is_asked_for_services_that_it_has(name: str) -> None:
    asked = re.findall(
        r"docker compose (?:exec -T|run --rm|up --detach --no-deps|restart) (\w[\w-]*)", page(name)
    )
    assert asked
    # One that the page tells how to add.
    assert {*asked} - {"realtime-3"} <= {*COMPOSE}
