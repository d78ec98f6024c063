"""Thousands of idle sockets: a bounded number is held, for a bounded time, harming no one."""

import contextlib
import json
import resource
import socket
from collections.abc import Iterator

import pytest
from bystander import unharmed_bystander
from raw import upgrade_request
from stage import Stage, stage_on

from realtime.client_bounds import MAX_UNATTACHED
from tests.long_runs import at_length
from tests.plugin import skip_without
from tests.waiting import eventually

REQUEST_SECONDS = 5.0
MAX_GROWTH_MB = 100.0


@pytest.fixture(scope="module")
def stage(db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        hurry = json.dumps({"REQUEST_SECONDS": REQUEST_SECONDS, "CLOSING_SECONDS": 2})
        folder = tmp_path_factory.mktemp("runtime")
        with stage_on(folder, "tests.realtime.hurried", HURRY=hurry) as stage:
            yield stage
            assert stage.faults() == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_sockets(stage: Stage, number: int) -> list[socket.socket]:
    """Half send nothing, a quarter half a request, a quarter upgrade with a bad token; all stay."""
    path = f"/api/detection/stream/{stage.create()['session_id']}?runtime_token=no.good.token"
    whole = upgrade_request(path)
    opened = []
    for count in range(number):
        # Over addresses of this machine's own, of which each has few ports.
        source = (f"127.0.0.{2 + count % 8}", 0)
        raw = socket.create_connection(("127.0.0.1", stage.runtime.port), 20, source)
        with contextlib.suppress(ConnectionError):
            if count % 4 == 1:
                raw.sendall(whole[: 20 + count % 100])
            elif count % 4 == 3:
                raw.sendall(whole)
        opened.append(raw)
    return opened


@at_length("sockets", 1_200, 10_000)
def test_idle_sockets(stage: Stage, sockets: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if hard < sockets + 500:
        skip_without(f"this process may open {hard} files, the test opens {sockets}")
    before = stage.rss_mb()
    with unharmed_bystander(stage, repetitions=90):
        opened = open_sockets(stage, sockets)
        held, peak = len(stage.client_ports()), stage.rss_mb()
        # All of the last thousand, the bystander, and who is told that he gave way.
        assert held <= MAX_UNATTACHED + 50
        assert peak - before < MAX_GROWTH_MB
        # The bystander's is left, unless it has ended meanwhile.
        eventually(lambda: len(stage.client_ports()) <= 1, "the others are cut off")
    for raw in opened:
        raw.close()
