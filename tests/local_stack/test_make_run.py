"""`make run`, as processes: the platform on a free port, with a data folder of its own."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from stack_processes import (
    bare_environment,
    command_line,
    is_deserted,
    manage,
    processes_of,
)

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.long_runs import at_length
from tests.open_folder import open_folder
from tests.plugin import installed
from tests.waiting import comes_true

KEYS = [
    *("base_url", "stream_url", "organization_id", "project_id", "api_key_id", "api_key_secret"),
    *("movespec_id", "movespec_version_id", "admin_username", "admin_password"),
]
READY_SECONDS = 120.0
STOP_SECONDS = 60.0


def free_ports() -> dict[str, str]:
    return {"PORT": str(free_port()), "REALTIME_PORT": str(free_port())}


class Run:
    def __init__(self, data_dir: Path, variables: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dev.local_stack.run"],
            cwd=PROJECT,
            env=bare_environment(DATA_DIR=str(data_dir), **(free_ports() | variables)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def log(self) -> str:
        return (self.data_dir / "platform.log").read_text()

    @property
    def demo(self) -> dict[str, str]:
        demo: dict[str, str] = json.loads((self.data_dir / "demo.json").read_text())
        return demo

    def is_ready(self) -> bool:
        return 'echo "$SESSION"' in self.output and self.output.endswith("\n")

    def wait_until_ready(self) -> None:
        assert comes_true(
            lambda: self.is_ready() or self.process.poll() is not None, READY_SECONDS
        ), self.output
        assert self.is_ready(), self.output

    def end(self) -> int:
        status = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return status

    def stop(self, signum: signal.Signals) -> int:
        self.process.send_signal(signum)
        return self.end()


StartRun = Callable[..., Run]


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[StartRun]:
    started: list[Run] = []

    def start(data_dir: Path = tmp_path / "data", **variables: str) -> Run:
        run = Run(data_dir, variables)
        started.append(run)
        return run

    yield start
    for run in started:
        run.process.kill()
        run.process.wait()
    assert is_deserted(tmp_path)


@pytest.fixture(scope="module")
def running() -> Iterator[Run]:
    """One that the tests which leave it running share."""
    with open_folder() as folder:
        run = Run(folder / "data", {})
        run.wait_until_ready()
        yield run
        run.process.kill()
        run.process.wait()
        assert is_deserted(run.data_dir)


def answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=30) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.mark.long
def test_what_it_prints_works_as_it_is_pasted(running: Run) -> None:
    run = running
    assert sorted(run.demo) == sorted(KEYS)
    for name in ("demo.json", "demo.env"):
        assert stat.S_IMODE((run.data_dir / name).stat().st_mode) == 0o600
    assert f"\nDATA_DIR={run.data_dir} make demo\n" in run.output
    installed("curl")
    begins = next(n for n, line in enumerate(run.lines) if line.endswith("/demo.env\n"))
    pasted = "".join(run.lines[begins:])
    done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, check=True)
    session = json.loads(done.stdout)
    assert session["status"] == "created"
    assert session["project_id"] == run.demo["project_id"]
    assert UUID(session["resolved_movespec_version_id"])
    stream = re.search(
        r"^Stream:   (ws://127\.0\.0\.1:\d+/api/detection/stream)$", run.output, re.M
    )
    assert stream is not None
    assert session["stream_url"] == f"{stream[1]}/{session['session_id']}"
    port = stream[1].split(":")[2].partition("/")[0]
    assert answers(f"http://127.0.0.1:{port}")


@pytest.mark.long
@at_length("signum", signal.SIGINT, signal.SIGTERM)
def test_it_stops_in_order_and_leaves_no_process(
    start_run: StartRun, used: Path, signum: int
) -> None:
    run = start_run(used, WEB_PROCESSES="2")
    run.wait_until_ready()
    # The log is written, and the worker begins, beside what says that it is ready.
    assert comes_true(lambda: run.log.count(" INFO _granian [-] Spawning worker-") == 2), run.log
    assert comes_true(lambda: "worker@local ready." in run.log), run.log
    assert run.stop(signal.Signals(signum)) == 0
    assert processes_of(run.data_dir) == []
    web_stopped = run.log.index("Granian shutdown completed")
    assert web_stopped < run.log.index("worker: Warm shutdown")
    assert run.output.endswith("\n\nrun    | stopping\nrun    | stopped\n")
    log = (run.data_dir / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


@pytest.mark.long
@at_length("signum", signal.SIGKILL, signal.SIGTERM)
def test_it_leaves_no_process_when_make_is_ended(used: Path, signum: signal.Signals) -> None:
    environment = bare_environment(DATA_DIR=str(used), **free_ports())
    make = subprocess.Popen(
        ["make", "--assume-old=install", "run"],
        cwd=PROJECT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert make.stdout is not None
    assert any("ready: http" in line for line in make.stdout)
    make.send_signal(signum)
    make.communicate()
    assert is_deserted(used)


COUNT = "from projects.models import Project; print(Project.objects.filter(name='Demo').count())"


@pytest.mark.long
def test_commands_share_its_database_and_a_second_run_is_refused(
    running: Run, start_run: StartRun
) -> None:
    assert manage(running.data_dir, "shell", "--no-imports", "-c", COUNT) == "1\n"
    second = start_run(running.data_dir)
    assert second.end() == 1
    assert f"Another `make run` (process {running.process.pid}) uses" in second.output
    assert answers(running.demo["base_url"])


def test_it_refuses_a_number_that_is_none(start_run: StartRun) -> None:
    run = start_run(REALTIME_PORT="0")
    assert run.end() == 1
    assert run.output == "run    | REALTIME_PORT is '0': it must be a number from 1 to 65535.\n"


@at_length("name", "PORT", "REALTIME_PORT")
def test_it_refuses_a_taken_port_before_it_starts_anything(start_run: StartRun, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start_run(**{name: str(port)})
        assert run.end() == 1
    assert run.output == (
        f"run    | {name} {port} cannot be used (Address already in use): stop what uses it, "
        f"or choose another, such as {name}=8080 make run\n"
    )
    assert not (run.data_dir / "postgres").exists()


def test_it_ends_with_the_output_of_a_setup_that_failed(start_run: StartRun) -> None:
    run = start_run(DATABASE_URL="postgresql://someone@127.0.0.1:1/somewhere")
    assert run.end() == 1
    assert "setup  | connection failed" in run.output
    assert run.output.endswith("run    | setup failed: its output is above\n")
    assert not (run.data_dir / "postgres").exists()
    assert is_deserted(run.data_dir)


def test_it_never_fills_in_production(start_run: StartRun) -> None:
    run = start_run(ENVIRONMENT="production")
    assert run.end() == 1
    for name in ("SECRET_KEY", "SECRET_PEPPERS", "SIGNING_KEY_SECRETS", "DATABASE_URL"):
        assert re.search(rf"setup  \| .*{name} is unset", run.output)
    assert not (run.data_dir / "postgres").exists()
    assert not (run.data_dir / "secrets.env").exists()


@pytest.mark.long
@at_length("module", "realtime", "celery", "dev.local_stack.web")
def test_a_child_that_dies_is_started_again(start_run: StartRun, used: Path, module: str) -> None:
    run = start_run(used)
    run.wait_until_ready()
    base_url = run.demo["base_url"]

    def guards() -> list[int]:
        return [
            pid
            for pid in processes_of(run.data_dir)
            if b"guard.py" in (words := command_line(pid)) and f"\0-m\0{module}\0".encode() in words
        ]

    killed = guards()
    assert len(killed) == (3 if module == "celery" else 1)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert comes_true(
        lambda: len(guards()) == len(killed) and not set(guards()) & set(killed), 30
    ), run.output
    assert comes_true(lambda: answers(base_url), 30), run.output


@pytest.mark.long
def test_the_database_is_started_again(start_run: StartRun, used: Path) -> None:
    run = start_run(used)
    run.wait_until_ready()
    lines = (run.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    assert comes_true(lambda: "run    | the database ended, starting it again" in run.output)
    assert comes_true(lambda: answers(run.demo["base_url"]), 30), run.output
