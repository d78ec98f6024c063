"""`make test`: the pytest plugin, tried in a pytest of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stack_processes import bare_environment, is_deserted

from dev.local_stack.environment import PROJECT
from tests.long_runs import at_length
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
def test_two_workers_share_the_database_that_it_brings(tmp_path: Path) -> None:
    source = (
        "import os, pathlib, pytest, psycopg\n"
        "@pytest.mark.parametrize('number', range(2))\n"
        "def test_it(number):\n"
        "    with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "        server = connection.execute('SELECT pg_postmaster_start_time()').fetchone()\n"
        "    told = f'{server[0]} {os.environ[\"DATA_DIR\"]}'\n"
        "    pathlib.Path(__file__).with_name(str(number)).write_text(told)\n"
    )
    done = run_pytest(tmp_path, source, "-n", "2")
    assert done.returncode == 0, done.stdout
    (server, folder), (other_server, other_folder) = (
        (tmp_path / str(number)).read_text().rsplit(" ", 1) for number in range(2)
    )
    assert server == other_server
    assert folder != other_folder


@pytest.mark.long
def test_it_uses_the_database_that_is_given(tmp_path: Path) -> None:
    source = "import os\ndef test_it(): print('at', os.environ['DATABASE_URL'])"
    url = "postgresql://someone@127.0.0.1:1/somewhere"
    done = run_pytest(tmp_path, source, DATABASE_URL=url)
    assert f"at {url}" in done.stdout
    assert done.returncode == 0


@pytest.mark.long
@at_length("argument", "--collect-only", "--help")
def test_it_starts_nothing_when_no_test_runs(tmp_path: Path, argument: str) -> None:
    watched = (
        "from dev.local_stack import processes\n"
        "def start(*_, **__): raise SystemExit('a process started')\n"
        "processes.start = start\n"
    )
    (tmp_path / "conftest.py").write_text(watched)
    done = run_pytest(tmp_path, ASKS_THE_DATABASE, argument)
    assert "a process started" not in done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("signal_name", "workers"),
    [
        pytest.param("SIGINT", "0", marks=pytest.mark.long),
        pytest.param("SIGTERM", "0", marks=pytest.mark.long),
        pytest.param("SIGKILL", "0", marks=pytest.mark.long),
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


@pytest.mark.long
def test_it_uses_the_redis_that_is_given(tmp_path: Path, redis_url: str) -> None:
    done = run_pytest(tmp_path, ASKS_FOR_REDIS, REDIS_URL=redis_url)
    assert f"redis at {redis_url}\n" in done.stdout
    assert done.returncode == 0


@pytest.mark.long
def test_it_brings_a_redis_that_is_installed(tmp_path: Path, redis_url: str) -> None:
    done = run_pytest(tmp_path, ASKS_FOR_REDIS)
    assert "redis at redis://127.0.0.1:" in done.stdout
    assert redis_url not in done.stdout
    assert done.returncode == 0


@pytest.mark.long
def test_it_skips_without_redis_and_says_so(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, ASKS_FOR_REDIS, "-rs", PATH="/nowhere")
    assert "REDIS_URL is unset and no redis-server is installed" in done.stdout
    assert "1 skipped" in done.stdout
    assert done.returncode == 0


def test_a_skip_for_a_missing_service_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, ASKS_FOR_REDIS, PATH="/nowhere", CI="true")
    assert "a missing service is a failure" in done.stdout
    assert "1 error" in done.stdout
    assert done.returncode == 1
