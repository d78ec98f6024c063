"""The Makefile's set-up of the virtual environment, in a copy with an empty requirement set."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stack_processes import bare_environment

from dev.local_stack.environment import PROJECT

TO_RUN, REQUIREMENTS = "requirements-run.txt", "requirements-dev.txt"
INSTALLING = "Installing the dependencies into .venv, which takes a minute or more …\n"
WAITING = "Waiting for another make, which installs the dependencies …\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / REQUIREMENTS).touch()
    (tmp_path / TO_RUN).write_text("# fewer\n")
    return tmp_path


def make(project: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=project,
        env=bare_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def install(project: Path, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
    return make(project, f"PYTHON={python}", "install")


@pytest.mark.long
def test_it_installs_once_and_again_when_the_requirements_change(project: Path) -> None:
    assert install(project).stdout == INSTALLING
    assert install(project).stdout == ""
    (project / REQUIREMENTS).write_text("# another\n")
    assert install(project).stdout == INSTALLING
    assert install(project).stdout == ""


def test_what_runs_the_platform_is_enough_to_run_it_and_not_to_develop_it(project: Path) -> None:
    def said_by(target: str) -> str:
        return make(project, f"PYTHON={sys.executable}", target).stdout

    assert said_by("demo") == INSTALLING
    assert said_by("demo") == ""
    assert said_by("install") == INSTALLING
    assert said_by("demo") == ""


def test_of_two_at_once_one_installs(project: Path) -> None:
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(install, project) for _ in range(2)]
    done = [one.result() for one in both]
    assert [one.returncode for one in done] == [0, 0]
    assert sorted(one.stdout for one in done) == [INSTALLING, WAITING]


def test_of_two_sets_at_once_one_waits_for_the_other(project: Path) -> None:
    with ThreadPoolExecutor() as threads:
        both = [
            threads.submit(make, project, f"PYTHON={sys.executable}", target)
            for target in ("demo", "install")
        ]
    said = [one.result().stdout for one in both]
    # Development's set has what the demo needs.
    assert said in (
        [WAITING, INSTALLING],
        [INSTALLING, WAITING + INSTALLING],
    )


def test_an_installation_without_a_network_says_so(project: Path) -> None:
    (project / TO_RUN).write_text(f"package==1 --hash=sha256:{'0' * 64}\n")
    done = make(
        project,
        f"PYTHON={sys.executable}",
        "run",
        PIP_INDEX_URL="http://127.0.0.1:9",
        PIP_FIND_LINKS="",
    )
    assert done.returncode != 0
    assert done.stdout == INSTALLING
    said, failed = done.stderr.splitlines()
    assert said.startswith("No package index answers, and the dependencies must be downloaded")
    assert failed.startswith("make: *** ")


@pytest.mark.parametrize(
    "name", ["requirements", "requirements-mypyc", TO_RUN[:-4], REQUIREMENTS[:-4]]
)
def test_each_dependency_has_its_version_and_hashes(name: str) -> None:
    pinned = pins(name)
    assert [pin for pin in pinned if pins(REQUIREMENTS[:-4])[pin] != pinned[pin]] == []
    named = re.findall(r"^[\w.-]+", (PROJECT / f"{name}.in").read_text(), re.MULTILINE)
    named = [re.sub(r"[._]", "-", one) for one in named if not one.startswith("-")]
    assert [one for one in named if one not in pinned] == []
    assert "://" not in text_of(name)


def text_of(name: str) -> str:
    return (PROJECT / f"{name}.txt").read_text()


def pins(name: str) -> dict[str, str]:
    """Each package with its version and hashes; the pattern takes the whole file."""
    of_one = r"([\w-]+)==(.+?(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)\n(?:    #.*\n)+"
    text = re.sub(r"\A(#.*\n)+", "", text_of(name))
    assert re.fullmatch(f"(?:{of_one})+", text)
    return dict(re.findall(of_one, text))


@pytest.mark.parametrize("version", ["Python 3.10.4"])
def test_it_refuses_another_python(project: Path, version: str) -> None:
    python = project / "python"
    python.write_text(f"#!/bin/sh\n[ \"$1\" = -V ] && echo '{version}'\nexit 1\n")
    python.chmod(0o755)
    done = install(project, str(python))
    assert done.returncode != 0
    assert done.stderr.startswith(f"Python 3.11, 3.12 or 3.13 is needed; {python}: {version}.")
    assert not (project / ".venv").exists()
