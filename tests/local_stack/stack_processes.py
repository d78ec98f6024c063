"""What the tests of the local stack share: processes of one folder, and a clean environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from tests.open_folder import open_folder
from tests.waiting import comes_true

SERVE = """
import sys
from pathlib import Path
from dev.local_stack.postgres import serve
with serve(Path(sys.argv[1]), reuse=sys.argv[2] == "reuse", throwaway=True) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""
DESERTED_SECONDS = 60.0
SERVICES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
OF_THE_STACK = ("ENVIRONMENT", "PUBLIC_STREAM_URL", "PORT", "REALTIME_PORT")
OF_THE_TESTS = (
    "TEST_RUN_FOLDER",
    "DATA_DIR",
    "SECRET_KEY",
    "SECRET_PEPPERS",
    "SIGNING_KEY_SECRETS",
)


# What a clone has not, and what others write meanwhile.
NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", ".data", ".env", "__pycache__", ".*_cache", ".hypothesis", "staticfiles"),
    *("node_modules", "build", "built", "dist"),
)


def copy_project(folder: Path) -> None:
    """A copy of the project as a clone has it, with the environment that runs the tests."""
    shutil.copytree(PROJECT, folder, ignore=NOT_COPIED, symlinks=True)
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)


def processes_of(folder: Path) -> list[int]:
    """Ids of the living processes that name `folder` or work in it, but for this one's own."""
    marker = os.fsencode(folder)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in (os.getpid(), os.getppid()):
            with suppress(OSError):
                named = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                works_in = os.fsencode((entry / "cwd").readlink())
                if marker in named or works_in.startswith(marker):
                    found.append(int(entry.name))
    return found


def command_line(pid: int) -> bytes:
    """The words of a process, each ended by NUL; nothing when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_deserted(folder: Path) -> bool:
    return comes_true(lambda: processes_of(folder) == [], DESERTED_SECONDS)


def bare_environment(**more: str) -> dict[str, str]:
    """This process's environment as it is on a fresh machine: no service, no secret."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (*SERVICES, *OF_MAKE, *OF_THE_TESTS, *OF_THE_STACK)
    }
    return inherited | more


def manage(data_dir: Path, *arguments: str) -> str:
    """What a Django command prints, on the database of this folder."""
    return subprocess.run(
        [sys.executable, "-m", "dev.local_stack.manage", *arguments],
        cwd=PROJECT,
        env=bare_environment(DATA_DIR=str(data_dir)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="session")
def _migrated() -> Iterator[Path]:
    with open_folder() as folder:
        manage(folder / "data", "migrate", "--verbosity", "0")
        yield folder / "data"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """One where root's database can be too, as it can where most people keep a project."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def used(_migrated: Path, tmp_path: Path) -> Path:
    """A data folder whose database is made and migrated, so that a run is ready twice as soon."""
    folder = tmp_path / "data"
    # The server's files keep their owner.
    subprocess.run(["cp", "--archive", _migrated, folder], check=True)
    return folder


@pytest.fixture
def starter() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that serves a folder and prints its URL until its stdin ends."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, *, reuse: bool = False) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), "reuse" if reuse else "own"],
            cwd=PROJECT,
            env=bare_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
