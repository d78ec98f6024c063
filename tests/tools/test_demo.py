"""`make demo`, as processes: by itself and beside a running platform."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.environment import PROJECT
from local_stack.ports import free_port
from tests.local_stack.stack_processes import (
    bare_environment,
    command_line,
    is_deserted,
    processes_of,
)
from tests.long_runs import at_length
from tests.open_folder import open_folder
from tools.platform_process import platform

QUICK = ("--repetitions", "3", "--speed", "50")
AGREEING = (
    "3 repetitions performed, 3 counted, 0 interrupted: "
    "the stream, the record and the stored events agree.\n"
)


def demo(data_dir: Path, *arguments: str) -> "subprocess.Popen[str]":
    ports = {"PORT": str(free_port()), "REALTIME_PORT": str(free_port())}
    return subprocess.Popen(
        [sys.executable, "-m", "tools.demo", *arguments],
        cwd=PROJECT,
        env=bare_environment(DATA_DIR=str(data_dir), **ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """The folder of a platform that runs."""
    ports = {"port": free_port(), "realtime_port": free_port()}
    with open_folder() as parent, pytest.MonkeyPatch.context() as patch:
        folder = parent / "data"
        for name in set(os.environ) - set(bare_environment()):
            patch.delenv(name)
        with platform(folder, log=parent / "run.log", **ports):
            yield folder
        assert is_deserted(parent)


def guards_of(folder: Path) -> set[int]:
    """One for each program of a platform that runs; the database's own children come and go."""
    return {pid for pid in processes_of(folder) if b"guard.py" in command_line(pid)}


def test_a_figure_is_counted_by_the_platform_that_runs(data_dir: Path) -> None:
    before = guards_of(data_dir)
    process = demo(data_dir, *QUICK)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert output.endswith(AGREEING)
    assert "Starting the platform" not in output
    assert [line.split()[2:5] for line in output.splitlines() if "  repetition " in line] == [
        ["repetition", str(number), "squat,"] for number in (1, 2, 3)
    ]
    record = json.loads(output[output.index("\n{\n") : output.rindex("}") + 1])
    assert (record["status"], record["terminal_outcome"]) == ("completed", "completed")
    assert guards_of(data_dir) == before


def test_one_that_is_stopped_cancels_its_session(data_dir: Path) -> None:
    process = demo(data_dir, "--repetitions", "60", "--speed", "1")
    assert process.stdout is not None
    seen = next(line for line in process.stdout if " enter " in line)
    assert "standing" in seen
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.splitlines()[-1]) == (130, "Stopped.")
    listed = sessions(data_dir, "cancelled")
    assert [session["terminal_outcome"] for session in listed] == ["cancelled"]
    assert sessions(data_dir, "streaming") == []


def sessions(data_dir: Path, status: str) -> list[dict[str, str]]:
    from client.rest import SESSIONS, RestClient

    made = json.loads((data_dir / "demo.json").read_text())
    api = RestClient(made["base_url"])
    api.mint(made["api_key_secret"])
    listed: list[dict[str, str]] = api.ask("GET", f"{SESSIONS}?status={status}")
    return listed


@pytest.mark.long
def test_without_a_platform_it_starts_one_and_stops_it(tmp_path: Path) -> None:
    process = demo(tmp_path / "data", *QUICK)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    assert output.startswith("Starting the platform for the demo …\n")
    assert output.endswith(f"{AGREEING}Stopping the platform …\n")
    assert is_deserted(tmp_path)


@pytest.mark.long
@at_length("signum", signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
def test_it_leaves_no_process_when_it_is_ended(used: Path, signum: signal.Signals) -> None:
    process = demo(used, "--repetitions", "60", "--speed", "1")
    assert process.stdout is not None
    assert any(" enter " in line for line in process.stdout)
    process.send_signal(signum)
    process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if signum == signal.SIGKILL else 130)
    assert is_deserted(used)


def test_a_platform_that_does_not_start_is_shown(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "postgres").write_text("in its way")
    process = demo(tmp_path / "data", *QUICK)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The platform could not be started:\nrun    | " in output
    assert is_deserted(tmp_path)


@pytest.mark.parametrize("arguments", [("--repetitions", "0"), ("--speed", "0")])
def test_it_refuses_numbers_that_make_no_sense(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    process = demo(tmp_path, *arguments)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "--repetitions is at least 1, and --speed more than 0" in output
