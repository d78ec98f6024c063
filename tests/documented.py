"""The commands of a page of docs/, run as they stand there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from dev.local_stack.environment import PROJECT
from dev.local_stack.postgres import PostgresUnavailableError, binaries
from tests.plugin import skip_without

PYTHON = f"cd {shlex.quote(str(PROJECT))} && exec {shlex.quote(sys.executable)}"


@dataclass(frozen=True)
class Block:
    text: str


def block(page: str, containing: str) -> Block:
    """The one block of a page with that text in it."""
    fenced = re.compile(r"^( *)```\w+\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    texts = [textwrap.dedent(text) for _, text in fenced.findall((PROJECT / page).read_text())]
    [found] = [text for text in texts if containing in text]
    return Block(found)


def commands(page: str, containing: str) -> str:
    """The one block of shell commands of docs/`page` with that text in it."""
    return block(f"docs/{page}", containing).text


def run(script: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run it in `folder`; what the project's own Python is asked for, in the project."""
    done = subprocess.run(
        ["sh", "-euc", re.sub(r"\.venv/bin/python ([^>&\n]*)", rf"({PYTHON} \1)", script)],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def database_tools() -> str:
    """A PATH with psql, pg_dump and pg_restore of the version of the tests' server."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        wanted = int(cursor.fetchone()[0]) // 10_000
    folders = [Path(f"/usr/lib/postgresql/{wanted}/bin")]
    if found := shutil.which("pg_dump"):
        folders.append(Path(found).parent)
    with suppress(PostgresUnavailableError):
        folders.append(binaries())
    for folder in folders:
        if (folder / "pg_dump").exists() and _version(folder / "pg_dump") == wanted:
            return f"{folder}:{os.environ['PATH']}"
    skip_without(f"no pg_dump of PostgreSQL {wanted} is installed")
    raise AssertionError


def _version(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split(" ")[2].partition(".")[0])


def compose_of_database(folder: Path, url: str) -> dict[str, str]:
    """Variables with which `docker compose` asks the database at `url` and the project's code.

    A `docker` in `folder` runs what it is asked to run in the containers of these two.
    """
    docker = folder / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '"compose stop "*) ;;\n'
        '"compose exec -T postgres "*) shift 4; exec "$@" ;;\n'
        f'"compose run --rm migrate python "*) shift 5; {PYTHON} "$@" ;;\n'
        '*) echo "unknown: $*" >&2; exit 1 ;;\n'
        "esac\n"
    )
    docker.chmod(0o755)
    where = urlsplit(url)
    return {
        "PATH": f"{folder}:{database_tools()}",
        "DATABASE_URL": url,
        "PGHOST": str(where.hostname),
        "PGPORT": str(where.port or 5432),
        "PGPASSWORD": str(where.password),
    }
