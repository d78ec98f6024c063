"""The order of the tests, tried in a pytest of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stack_processes import bare_environment

from dev.local_stack.environment import PROJECT
from tests.distribution import COMPUTES, turn_of

STARTS = re.compile(
    r"\b(web_server|api_server|service\(|runtime_server|worker_and_beat|(Web|Runtime)Server)"
    r"|\b(FrontDoor|Page|Popen|processes\.start|redis_url|built_clients|get_context)\b"
)
SAMPLE = """
import os, pathlib, pytest, time
def tell(what):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    with pathlib.Path(os.environ["TOLD"]).open("a") as told:
        print(pathlib.Path(__file__).stem[5:], worker, what, file=told)
@pytest.mark.parametrize("number", range(TESTS))
def test_it(number):
    tell("begins")
    time.sleep(0.1)
    tell("ends")
"""
# Listed last first, as no folder is.
FILES = {
    "web/test_last.py": 3,
    "web/test_other_last.py": 3,
    "tools/test_demo.py": 3,
    "browser/test_one_browser.py": 3,
    "realtime/test_other_runtime.py": 3,
    "detection/test_long.py": 8,
    "poses/test_short.py": 1,
}


def told(folder: Path, *arguments: str) -> list[tuple[str, str, bool]]:
    """File, worker, and whether a test of it begins or ends, in the order in which they did."""
    for name, tests in FILES.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SAMPLE.replace("TESTS", str(tests)))
    plugins = ["-p", "no:django", "-p", "no:cacheprovider", "-p", "tests.distribution"]
    place = ["-c", os.devnull, "--rootdir", str(folder), *(f"tests/{name}" for name in FILES)]
    variables = bare_environment(TOLD=str(folder / "told"), PYTHONPATH=str(PROJECT))
    # Of the worker that runs this test.
    variables.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--no-loadscope-reorder", *plugins, *place, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    lines = [line.split() for line in (folder / "told").read_text().splitlines()]
    return [(file, worker, what == "begins") for file, worker, what in lines]


@pytest.mark.long
def test_one_process_runs_what_computes_first_and_what_kills_last(tmp_path: Path) -> None:
    begun = [file for file, _, begins in told(tmp_path, "-n0") if begins]
    expected = (
        ["long"] * 8 + ["short"] + ["one_browser"] * 3 + ["other_runtime"] * 3
        + ["last"] * 3 + ["other_last"] * 3 + ["demo"] * 3
    )  # fmt: skip
    assert begun == expected


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, bool]]:
    return told(tmp_path_factory.mktemp("by_two"), "-n2")


def test_two_workers_begin_a_turn_once_both_have_done_the_one_before(
    by_two: list[tuple[str, str, bool]],
) -> None:
    first = next(
        number for number, (file, _, _) in enumerate(by_two) if file not in ("long", "short")
    )
    # But for one test: a worker that has no next one waits with its last.
    done = [file for file, _, begins in by_two[:first] if not begins]
    assert len(done) >= 8 + 1 - 1


def test_two_workers_share_what_starts_processes(by_two: list[tuple[str, str, bool]]) -> None:
    [one] = {worker for file, worker, _ in by_two if file == "one_browser"}
    [other] = {worker for file, worker, _ in by_two if file == "other_runtime"}
    assert one != other


@pytest.mark.long
def test_of_three_workers_two_run_what_is_last(tmp_path: Path) -> None:
    last = [one for one in told(tmp_path, "-n3") if one[0] in ("last", "other_last", "demo")]
    assert len({worker for _, worker, _ in last}) == 2
    assert len(last) == 2 * 9


def test_what_starts_processes_is_listed() -> None:
    starting = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "tests").rglob("test_*.py")
        if STARTS.search(path.read_text())
    }
    assert {file for file in starting if turn_of(file) == COMPUTES} == set()
    assert len(starting) > 50
