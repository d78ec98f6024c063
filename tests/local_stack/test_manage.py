"""`./manage.py` as somebody runs it who has just cloned the project, and `make manage`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from stack_processes import bare_environment

from dev.local_stack.environment import PROJECT
from kynaplatform.management import OFFLINE
from tests.long_runs import at_length

IN_PRODUCTION = "In production set what docs/settings.md lists, in the environment or in .env.\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project without an environment, a `.env` and data."""
    shutil.copy(PROJECT / "manage.py", tmp_path)
    for folder in PROJECT.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            (tmp_path / folder.name).symlink_to(folder)
    return tmp_path


def run(clone: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*words],
        cwd=clone,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_without_the_dependencies_says_how(clone: Path) -> None:
    done = run(clone, sys.executable, "-S", "manage.py", "validate", "squat.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{sys.executable} has no Django: it is not the project's own Python. "
        'In development run:\n  make manage CMD="validate squat.yaml"\n' + IN_PRODUCTION
    )


@at_length(
    "words, command",
    (["shell", "-c", "print(1)"], "\"shell -c 'print(1)'\""),
    (["migrate"], '"migrate"'),
    (["bootstrap_project", "--organization", 'A "B"'], None),
)
def test_a_command_that_needs_an_environment_says_how(
    clone: Path, words: list[str], command: str | None
) -> None:
    done = run(clone, sys.executable, "manage.py", *words)
    assert (done.returncode, done.stdout) == (1, "")
    told = "ENVIRONMENT, ENV_FILE, DATABASE_URL, SECRET_KEY: none is set, and there is no .env."
    first, make, *rest = done.stderr.splitlines(keepends=True)
    assert (first, rest) == (f"{told} In development run:\n", [IN_PRODUCTION])
    if command is not None:
        assert make == f"  make manage CMD={command}\n"
    # What it says is what the shell takes for the same command.
    said = run(clone, "sh", "-c", make.replace("make manage", "printf %s").strip())
    again = run(clone, "sh", "-c", f"printf '%s|' {said.stdout.removeprefix('CMD=')}")
    assert again.stdout == "".join(f"{word}|" for word in words)


@at_length("words", ["migrate", "--help"], [], ["help"], ["--version"])
def test_help_needs_no_environment(clone: Path, words: list[str]) -> None:
    done = run(clone, sys.executable, "manage.py", *words)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(OFFLINE - {"help"}))
def test_an_offline_command_asks_for_no_checks(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    assert command.requires_system_checks == []
    assert command.requires_migrations_checks is False


def test_make_manage_starts_no_database_for_a_command_that_needs_none(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--assume-old=install", "manage", "CMD=validate examples/movespecs/squat.yaml"],
        cwd=PROJECT,
        env=bare_environment(DATA_DIR=str(tmp_path / "data")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "examples/movespecs/squat.yaml: valid"
    assert not (tmp_path / "data" / "postgres").exists()
