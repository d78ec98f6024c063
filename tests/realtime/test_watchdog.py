"""The watchdog: `python -m realtime.watchdog`, and what a runtime tells it or systemd."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.guard import children_of
from tests.long_runs import at_length
from tests.server import runtime_server
from tests.waiting import DEADLINE_SECONDS, eventually

WATCHDOG = [sys.executable, "-m", "realtime.watchdog", sys.executable, "-c"]
TELLS = f"""
import os, signal, sys, time
sys.path.insert(0, {str(PROJECT)!r})
from kynaplatform.service_manager import tell, watchdog_seconds
"""
READY = f"{TELLS}\ntell('READY=1'); print('ready', watchdog_seconds(), flush=True)\n"

Process = subprocess.Popen[bytes]


def start(program: str) -> Process:
    return processes.start(
        [*WATCHDOG, program], env=dict(os.environ), cwd=PROJECT, stdout=subprocess.PIPE
    )


@pytest.fixture
def started() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        processes.stop(process, signals=[])


def said(process: Process) -> str:
    return process.communicate(timeout=DEADLINE_SECONDS)[0].decode()


@pytest.mark.parametrize(("program", "status"), [("pass", 0), ("raise SystemExit(7)", 7)])
def test_it_ends_as_its_command_does(started: list[Process], program: str, status: int) -> None:
    started.append(start(program))
    assert said(started[0]) == ""
    assert started[0].returncode == status


def test_one_that_falls_silent_is_killed_and_the_log_says_so(started: list[Process]) -> None:
    started.append(start(f"{READY}tell('WATCHDOG=1'); time.sleep(600)"))
    text = said(started[0])
    assert started[0].returncode == 128 + signal.SIGKILL
    assert text.startswith("ready 0.75\n")
    assert "said nothing for 3 s and was killed" in text


@at_length("number", signal.SIGTERM, signal.SIGINT)
def test_a_signal_is_passed_on_and_a_long_end_is_no_silence(
    started: list[Process], number: signal.Signals
) -> None:
    """Nor is a long start: it is watched from READY=1 to STOPPING=1."""
    ends = f"""
def end(*_):
    tell('STOPPING=1')
    time.sleep(5)
    print('ended', flush=True)
    os._exit(3)
signal.signal(signal.{number.name}, end)
print('begun', flush=True)
time.sleep(5)
tell('READY=1')
while True:
    tell('WATCHDOG=1')
    time.sleep(0.1)
"""
    started.append(start(TELLS + ends))
    assert started[0].stdout is not None
    assert started[0].stdout.readline() == b"begun\n"
    started[0].send_signal(number)
    assert said(started[0]) == "ended\n"
    assert started[0].returncode == 3


@pytest.mark.long
def test_both_frozen_and_let_go_together_go_on(started: list[Process]) -> None:
    """As by a pause of the container or the machine: whoever was paused too has seen no silence."""
    goes_round = """
while True:
    tell('WATCHDOG=1')
    print('round', flush=True)
    time.sleep(watchdog_seconds())
"""
    started.append(start(READY + goes_round))
    assert started[0].stdout is not None
    assert started[0].stdout.readline() == b"ready 0.75\n"
    [watchdog] = children_of(started[0].pid)
    [command] = children_of(watchdog)
    for pid in (watchdog, command):
        os.kill(pid, signal.SIGSTOP)
    # Far longer than it waits for a word.
    with pytest.raises(subprocess.TimeoutExpired):
        started[0].wait(6)
    for pid in (watchdog, command):
        os.kill(pid, signal.SIGCONT)
    for _ in range(8):
        assert started[0].stdout.readline() == b"round\n"
    assert children_of(watchdog) == [command]


def test_its_command_dies_with_it(started: list[Process]) -> None:
    started.append(start(f"{READY}time.sleep(600)"))
    assert started[0].stdout is not None
    started[0].stdout.readline()
    [watchdog] = children_of(started[0].pid)
    [command] = children_of(watchdog)
    os.kill(watchdog, signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{command}"), "the command is gone")


WATCHDOG_SECONDS = 1.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(DEADLINE_SECONDS)
        yield listening


@pytest.mark.django_db(transaction=True)
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
        os.kill(pid, signal.SIGTERM)
        told = manager.recv(100)
        while told == b"WATCHDOG=1":
            told = manager.recv(100)
        assert told == b"STOPPING=1"
