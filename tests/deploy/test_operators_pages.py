"""docs/ for operators: the processes that their commands name are those that are started."""

import re
import subprocess
from typing import Any

import pytest
import yaml
from django.conf import settings

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


def test_an_image_has_the_name_of_its_release_as_its_tag() -> None:
    [(commit, tag)] = re.findall(
        r"`git checkout (\w+)` and\s+`docker compose build` .*?kynaplatform:([\d.-]+)`",
        page("upgrades.md"),
        re.DOTALL,
    )
    [last, *_] = releases()
    assert (commit, tag) == (last.commit, last.name)
    assert COMPOSE["migrate"]["image"] == "kynaplatform"


@pytest.mark.parametrize("name", ["backup.md", "operations.md", "upgrades.md"])
def test_compose_is_asked_for_services_that_it_has(name: str) -> None:
    asked = re.findall(
        r"docker compose (?:exec -T|run --rm|up --detach --no-deps|restart) (\w[\w-]*)", page(name)
    )
    assert asked
    # One that the page tells how to add.
    assert {*asked} - {"realtime-3"} <= {*COMPOSE}


def test_the_sum_of_connections_is_that_of_its_parts() -> None:
    text = page("capacity.md").replace("\N{MULTIPLICATION SIGN}", "x")
    kept, api = map(int, re.findall(r"`WEB_THREADS` \+ (\d+)", text))
    (kept_by_pages,) = map(int, re.findall(r"^\| the pages \| (\d+) ", text, re.MULTILINE))
    # One more each, while its metrics are read.
    pages = kept_by_pages + 1
    assert (api, f"pages x {pages} " in text) == (kept + 1, True)
    (runtime,) = re.findall(r"^\| a runtime \| (\d+) ", text, re.MULTILINE)
    assert f"runtimes x {runtime} " in text
    (worker,) = re.findall(r"^\| a worker \| (\d+):", text, re.MULTILINE)
    assert f"workers x {worker} " in " ".join(text.split())
    threads = settings.WEB_THREADS
    total = 2 * 2 * (threads + api) + 2 * pages + 2 * int(runtime) + int(worker) + 1 + 8
    parts = f"2 x 2 x {threads + api} + 2 x {pages} + 2 x {runtime} + {worker} + 1 + 8"
    assert f"{parts} = {total}," in " ".join(text.split())
    assert [name for name in OURS if name.startswith("api")] == ["api-1", "api-2"]
    assert [name for name in OURS if name.startswith("pages")] == ["pages-1", "pages-2"]
    assert [name for name in OURS if name.startswith("realtime")] == ["realtime-1", "realtime-2"]
