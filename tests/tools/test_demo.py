"""`make demo`, as processes, without a platform; tests/local_stack/test_documented_commands.py has
one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.local_stack.stack_processes import bare_environment, is_deserted
from tests.long_runs import at_length

QUICK = ("--repetitions", "3", "--speed", "50")
AGREEING = (
    "3 repetitions performed, 3 counted, 0 interrupted: "
    "the stream, the record and the stored events agree.\n"
)


def demo(data_dir: Path, *arguments: str) -> "subprocess.Popen[str]":
    ports = {"PORT": str(free_port()), "REALTIME_PORT": str(free_port())}
    return subprocess.Popen(
        [sys.executable, "-m", "dev.tools.demo", *arguments],
        cwd=PROJECT,
        env=bare_environment(DATA_DIR=str(data_dir), **ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


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
