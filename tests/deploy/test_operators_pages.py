"""docs/ for operators: the processes that their commands name are those that are started."""

import re
from typing import Any

import pytest
import yaml
from django.conf import settings

from local_stack.environment import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
OURS = [name for name, service in COMPOSE.items() if "build" in service and name != "migrate"]


def page(name: str) -> str:
    return (PROJECT / "docs" / name).read_text()


def test_every_unit_is_restarted() -> None:
    target = (PROJECT / "deploy" / "systemd" / "kynaplatform.target").read_text()
    units = re.findall(r"kynaplatform-(\S+)\.service", target)
    assert re.findall(r"for unit in (.*?);", page("upgrades.md")) == [" ".join(units)] * 2


def test_every_service_is_restarted() -> None:
    assert re.findall(r"for service in (.*?);", page("upgrades.md")) == [" ".join(OURS)] * 2


def test_a_restore_stops_every_service() -> None:
    assert f"docker compose stop nginx {' '.join(OURS)}\n" in page("backup.md")


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
    total = 2 * 2 * (threads + api) + 2 * pages + 2 * int(runtime) + int(worker) + 8
    parts = f"2 x 2 x {threads + api} + 2 x {pages} + 2 x {runtime} + {worker} + 8"
    assert f"{parts} = {total}," in " ".join(text.split())
    assert [name for name in OURS if name.startswith("api")] == ["api-1", "api-2"]
    assert [name for name in OURS if name.startswith("pages")] == ["pages-1", "pages-2"]
    assert [name for name in OURS if name.startswith("realtime")] == ["realtime-1", "realtime-2"]
