"""A PostgreSQL of the machine's own programs, for commands of docs/ that are for its own user."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from dev.local_stack.cluster_folders import server_user
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.open_folder import open_folder
from tests.plugin import skip_without

SUPERUSER = "postgres"


class Cluster:
    """One that commands reach by their environment, run by the user that PostgreSQL runs as.

    By its socket everyone is let in, and by TCP who knows the password.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.data = folder / "data"
        self.database = "postgres"
        self.path = f"{_binaries()}:{os.environ['PATH']}"
        self._user = server_user(folder)
        self._variables = {
            # Debian's own, without those of PostgreSQL's programs that it has no wrapper for.
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C",
            "PGDATA": str(self.data),
            "PGHOST": str(folder),
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "BACKUPS": str(folder / "backups"),
        }

    @property
    def url(self) -> str:
        where = quote(str(self.folder), safe="/")
        return f"postgresql://{SUPERUSER}@:{self.port}/{self.database}?host={where}"

    def run(self, script: str, **variables: str) -> None:
        user, group = self._user or (None, None)
        said = self.folder / "said.log"
        # No pipe, which a server that the script starts would keep open.
        with said.open("ab") as output:
            done = subprocess.run(
                ["sh", "-euc", script],
                cwd=self.folder,
                env=self._variables | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                user=user,
                group=group,
            )
        assert done.returncode == 0, said.read_text()

    def manage(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def ask(self, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(question)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"), reverse=True)
    folders = [path.parent for path in found]
    if not folders:
        skip_without("no PostgreSQL is installed with its pg_basebackup")
    return next((folder for folder in folders if folder.parent.name == "15"), folders[0])


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    with open_folder() as folder:
        if (user := server_user(folder)) is not None:
            os.chown(folder, *user)
        cluster = Cluster(folder)
        cluster.run(
            f"initdb --username={SUPERUSER} --auth-local=trust --auth-host=scram-sha-256"
            " --encoding=UTF8 --no-sync",
            PATH=cluster.path,
        )
        with (cluster.data / "postgresql.conf").open("a") as file:
            file.write(f"unix_socket_directories = '{folder}'\nfsync = off\n")
        cluster.run('pg_ctl start --pgdata="$PGDATA" --log="$PGDATA.log"', PATH=cluster.path)
        try:
            yield cluster
        finally:
            with suppress(AssertionError):
                cluster.run('pg_ctl stop --pgdata="$PGDATA" --mode=immediate', PATH=cluster.path)
