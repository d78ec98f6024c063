"""What a runtime tells systemd: that it is ready, that it goes round, and that it stops."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.local_stack.guard import children_of
from tests.server import runtime_server
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)
WATCHDOG_SECONDS = 1.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(DEADLINE_SECONDS)
        yield listening


def told_for(manager: socket.socket, seconds: float) -> list[bytes]:
    told = []
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0:
        manager.settimeout(left)
        with contextlib.suppress(TimeoutError):
            told.append(manager.recv(100))
    manager.settimeout(DEADLINE_SECONDS)
    return told


@pytest.mark.long
def test_it_tells_systemd_while_its_loop_goes_round(manager: socket.socket, tmp_path: Path) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": str(round(WATCHDOG_SECONDS * 1e6)),
    }
    with runtime_server(tmp_path, environment) as runtime:
        assert {manager.recv(100), manager.recv(100)} == {b"READY=1", b"WATCHDOG=1"}
        for _ in range(3):
            assert manager.recv(100) == b"WATCHDOG=1"
        (pid,) = children_of(runtime.process.pid)
        os.kill(pid, signal.SIGSTOP)
        told_for(manager, WATCHDOG_SECONDS / 2)  # what it had said before
        assert told_for(manager, 2 * WATCHDOG_SECONDS) == []
        os.kill(pid, signal.SIGCONT)
        assert manager.recv(100) == b"WATCHDOG=1"
        os.kill(pid, signal.SIGTERM)
        told = manager.recv(100)
        while told == b"WATCHDOG=1":
            told = manager.recv(100)
        assert told == b"STOPPING=1"


def test_a_manager_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "no such"), "WATCHDOG_USEC": "200000"}
    with runtime_server(tmp_path, environment) as runtime:
        told = "systemd can't be told WATCHDOG=1"
        eventually(lambda: runtime.log.read_text().count(told) >= 3, "it goes on telling")
        (pid,) = children_of(runtime.process.pid)
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not children_of(runtime.process.pid), "it has drained")
