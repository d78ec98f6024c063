"""Root's private folders, such as /root: PostgreSQL runs as another user, who can't enter them."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from stack_processes import bare_environment, copy_project, is_deserted

from dev.local_stack import cluster_folders
from dev.local_stack.cluster_folders import place_of
from dev.local_stack.environment import fill
from dev.local_stack.ports import free_port
from dev.local_stack.postgres import PostgresUnavailableError, serve
from tests.long_runs import at_length
from tests.open_folder import open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs as another")
NOBODY = 65534


@pytest.fixture
def private() -> Iterator[Path]:
    with open_folder() as folder:
        made = folder / "private"
        made.mkdir(mode=0o700)
        yield made


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of the machine's."""
    found = tmp_path / "places"
    monkeypatch.setattr(cluster_folders, "PLACES", found)
    return found


@pytest.fixture
def checkout(private: Path) -> Iterator[Path]:
    project = private / "project"
    copy_project(project)
    yield project
    shutil.rmtree(place_of(project / ".data"), ignore_errors=True)


def make(checkout: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    # The packages are installed; the link is not for pip to write through.
    return subprocess.Popen(
        ["make", "--no-print-directory", "--assume-old=install", *words],
        cwd=checkout,
        env=bare_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.long
def test_make_run_works(checkout: Path) -> None:
    ports = {"PORT": str(free_port()), "REALTIME_PORT": str(free_port())}
    run = make(checkout, "run", **ports)
    assert run.stdout is not None
    said = []
    for line in run.stdout:
        said.append(line)
        if "run    | ready: http" in line:
            run.send_signal(signal.SIGTERM)
    run.wait()
    assert "run    | stopped\n" in said, "".join(said)
    assert is_deserted(checkout)
    cluster = place_of(checkout / ".data") / "postgres"
    assert (checkout / ".data" / "postgres").readlink() == cluster
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o700


@pytest.mark.long
def test_make_test_works(checkout: Path) -> None:
    run = make(checkout, "test", "ARGS=-n 0 -q -p no:cacheprovider tests/projects/test_jwks.py")
    said, _ = run.communicate()
    assert run.returncode == 0, said
    assert " passed" in said
    assert is_deserted(checkout)


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'")
        return int(row.fetchone()[0])


def test_the_data_is_found_again_and_belongs_to_the_folder(private: Path, places: Path) -> None:
    folder = private / "data"
    with serve(folder, throwaway=True) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept ()")
    # One that is opened later keeps it too.
    for mode in (0o700, 0o755, 0o700):
        private.chmod(mode)
        with serve(folder, throwaway=True) as server:
            assert tables(server.url) == 1
    shutil.rmtree(folder)
    with serve(folder, throwaway=True) as server:
        assert tables(server.url) == 0
    assert len(list(places.iterdir())) == 1


def test_an_older_folder_is_closed_and_its_database_stays_in_it(
    private: Path, places: Path
) -> None:
    private.chmod(0o755)
    folder = private / ".data"
    with serve(folder, throwaway=True) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept ()")
    cluster = server.cluster
    for _ in range(2):
        fill({}, project=private)
        with serve(folder, throwaway=True) as server:
            assert (server.cluster, tables(server.url)) == (cluster, 1)
        assert list_as(folder / "secrets.env", uid=12345) != 0
        # It goes through the folder, and reads nothing there.
        assert list_as(folder, uid=NOBODY) != 0
        assert stat.S_IMODE(folder.stat().st_mode) == 0o710
    assert cluster == folder / "postgres"
    # Programs are copied there, if they are installed in a private folder themselves.
    assert not (place_of(folder) / "postgres").exists()


def list_as(path: Path, uid: int) -> int:
    return subprocess.run(
        ["ls", path], user=uid, group=uid, extra_groups=[], capture_output=True, check=False
    ).returncode


def test_nobody_else_can_write_or_read_there(private: Path, places: Path) -> None:
    previous = os.umask(0)
    try:
        with serve(private / "data", throwaway=True) as server:
            place = place_of(server.folder)
            assert server.cluster == place / "postgres"
            for folder in (places, place):
                found = folder.stat()
                assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o755)
            found = server.cluster.stat()
            assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (NOBODY, 0o700)
            # Where the path is too long for a socket, it is in a folder of its own.
            sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
            assert stat.S_IMODE((sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700
    finally:
        os.umask(previous)


@at_length("way", "a link", "its folder", "everything")
def test_a_place_that_someone_else_made_is_refused(
    private: Path, places: Path, tmp_path: Path, way: str
) -> None:
    place = place_of(private / "data")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    if way == "a link":
        places.mkdir()
        place.symlink_to(theirs)
    else:
        place.mkdir(parents=True)
        os.chown(places if way == "everything" else place, NOBODY, NOBODY)
    with (
        pytest.raises(PostgresUnavailableError, match="is not a folder of root: remove it"),
        serve(private / "data", throwaway=True),
    ):
        pytest.fail("It started.")
    assert list(theirs.iterdir()) == []
