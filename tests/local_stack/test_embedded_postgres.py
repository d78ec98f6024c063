import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from stack_processes import command_line, is_deserted, processes_of

from dev.local_stack.postgres import EmbeddedPostgres, PostgresUnavailableError, serve
from tests.long_runs import at_length
from tests.waiting import comes_true

Starter = Callable[..., "subprocess.Popen[str]"]


def scalar(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, process.communicate()[1]
    return url


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def postmasters_of(folder: Path) -> list[int]:
    data = b"/postgres\0-D\0" + os.fsencode(folder / "postgres") + b"\0"
    servers = {}
    for pid in processes_of(folder):
        words = command_line(pid)
        if data in words and b"guard.py" not in words:
            servers[pid] = parent_of(pid)
    # A child looks like its postmaster until it has a title of its own.
    return [pid for pid, parent in servers.items() if parent not in servers]


def test_it_serves_postgresql_18_on_a_socket_only(tmp_path: Path) -> None:
    with serve(tmp_path, throwaway=True) as server:
        assert str(scalar(server.url, "SHOW server_version_num")).startswith("18")
        assert scalar(server.url, "SHOW listen_addresses") == ""
        assert scalar(server.url, "SHOW max_connections") == "200"
        assert scalar(server.url, "SHOW server_encoding") == "UTF8"
    assert is_deserted(tmp_path)


@pytest.mark.long
def test_it_leaves_no_process_when_its_supervisor_is_killed(
    tmp_path: Path, starter: Starter
) -> None:
    supervisor = starter(tmp_path)
    with psycopg.connect(url_of(supervisor)):
        assert len(postmasters_of(tmp_path)) == 1
        supervisor.kill()
        supervisor.wait()
        assert is_deserted(tmp_path)


def test_it_starts_at_once_after_its_supervisor_was_killed(
    tmp_path: Path, starter: Starter
) -> None:
    supervisor = starter(tmp_path)
    url_of(supervisor)
    supervisor.kill()
    with serve(tmp_path, throwaway=True) as server:
        assert scalar(server.url, "SELECT 1") == 1
        assert len(postmasters_of(tmp_path)) == 1


@at_length("name", "long" * 30, "with a space", "comma,quote'")
def test_it_puts_the_socket_elsewhere_when_the_path_does_not_suit(
    tmp_path: Path, name: str
) -> None:
    with serve(tmp_path / name, throwaway=True) as server:
        assert scalar(server.url, "SELECT 1") == 1
        sockets = Path(str(scalar(server.url, "SHOW unix_socket_directories")))
        assert sockets.parent == Path("/tmp")  # noqa: S108
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


def test_it_serves_once_when_several_start_at_once(tmp_path: Path, starter: Starter) -> None:
    starters = [starter(tmp_path, reuse=True) for _ in range(4)]
    assert {url_of(process) for process in starters} == {EmbeddedPostgres(tmp_path).url}
    assert len(postmasters_of(tmp_path)) == 1


@pytest.mark.long
def test_it_starts_after_initdb_was_killed_midway(tmp_path: Path, starter: Starter) -> None:
    supervisor = starter(tmp_path)
    assert comes_true((tmp_path / "postgres.unfinished" / "PG_VERSION").exists)
    supervisor.kill()
    supervisor.wait()
    assert not (tmp_path / "postgres").exists()
    with serve(tmp_path, throwaway=True) as server:
        assert scalar(server.url, "SELECT 1") == 1
    assert not (tmp_path / "postgres.unfinished").exists()


def test_it_says_why_initdb_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho no space left\nexit 1\n")
    initdb.chmod(0o755)
    monkeypatch.setattr("dev.local_stack.postgres.binaries", lambda: tmp_path)
    with (
        pytest.raises(PostgresUnavailableError, match="initdb failed: no space left"),
        serve(tmp_path / "data"),
    ):
        pytest.fail("It started.")
    assert not (tmp_path / "data" / "postgres").exists()
