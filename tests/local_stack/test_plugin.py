"""`make test`: the pytest plugin, tried in a pytest of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stack_processes import bare_environment, is_deserted

from dev.local_stack.environment import PROJECT
from tests.waiting import comes_true

ASKS_THE_DATABASE = """
import os, psycopg
def test_it():
    assert "kynaplatform-test-" in os.environ["DATA_DIR"]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        print("fsync", *connection.execute("SHOW fsync").fetchone())
"""
HANGS = """
import os, pathlib, psycopg, time
def test_it():
    with psycopg.connect(os.environ["DATABASE_URL"]):
        pathlib.Path(__file__).with_name("connected").touch()
        time.sleep(600)
"""
ASKS_FOR_REDIS = """
import redis
def test_it(redis_url):
    assert redis.Redis.from_url(redis_url).ping()
    print("redis at", redis_url)
"""


def pytest_command(folder: Path, source: str, *arguments: str) -> list[str]:
    (folder / "test_sample.py").write_text(source)
    plugins = ["-p", "no:django", "-p", "no:cacheprovider", "-p", "tests.plugin"]
    place = ["-c", os.devnull, "--rootdir", str(folder), str(folder)]
    return [sys.executable, "-m", "pytest", "-q", "-s", *plugins, *place, *arguments]


def run_pytest(
    folder: Path, source: str, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    temporary = folder / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        pytest_command(folder, source, *arguments),
        cwd=PROJECT,
        env=bare_environment(**{"TMPDIR": str(temporary), "CI": ""} | variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert is_deserted(folder)
    assert [path.name for path in temporary.glob("kynaplatform-*")] == []
    return done


def test_it_brings_a_database_and_takes_it_away(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, ASKS_THE_DATABASE)
    assert "fsync off" in done.stdout
    assert done.returncode == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("signal_name", "workers"),
    [
        ("SIGINT", "0"),
        ("SIGKILL", "1"),
    ],
)
def test_it_leaves_nothing_when_it_is_stopped(
    tmp_path: Path, signal_name: str, workers: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        pytest_command(tmp_path, HANGS, "-n", workers),
        cwd=PROJECT,
        env=bare_environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
    )
    assert comes_true((tmp_path / "connected").exists, 60)
    process.send_signal(signal.Signals[signal_name])
    process.communicate()
    assert is_deserted(tmp_path)
    assert comes_true(lambda: list(temporary.glob("kynaplatform-*")) == [])


def test_a_skip_for_a_missing_service_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, ASKS_FOR_REDIS, PATH="/nowhere", CI="true")
    assert "a missing service is a failure" in done.stdout
    assert "1 error" in done.stdout
    assert done.returncode == 1
