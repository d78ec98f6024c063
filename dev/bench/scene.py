"""The scene of a bench: a database of its own with one project in it, and the servers that are
measured, as production starts them."""

import contextlib
import dataclasses
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, fill
from dev.local_stack.ports import free_port, listens

UNLIMITED = {
    f"RATE_LIMIT_{name}": "100000000/minute"
    for name in (
        "PROJECT", "ORGANIZATION", "SESSIONS", "MOVESPECS", "MINT", "ANONYMOUS", "ATTACH"
    )
}  # fmt: skip
# A MoveSpec of one joint and no more would cost the engine a third of it.
MOVESPEC = (PROJECT / "examples/movespecs/squat.yaml").read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Scene:
    """The ids and the token of the requests."""

    token: str
    project_id: uuid.UUID
    movespec_id: uuid.UUID


@contextlib.contextmanager
def scene_for_run(throwaway: bool) -> Iterator[tuple[Path, Scene]]:
    """A temporary folder, and a scene in a database of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kynaplatform-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the embedded PostgreSQL runs as nobody
        with own_database(folder, throwaway):
            yield folder, make_scene()


@contextlib.contextmanager
def own_database(folder: Path, throwaway: bool) -> Iterator[None]:
    """A new database that DATABASE_URL names inside the block."""
    os.environ |= {"DATA_DIR": str(folder / "data"), "ACCESS_TOKEN_SECONDS": "86400"}
    os.environ["ENVIRONMENT"] = "development"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    fill(os.environ, project=folder)
    with contextlib.ExitStack() as stack:
        server = os.environ.get("DATABASE_URL")
        if not server:
            from dev.local_stack.postgres import serve

            server = stack.enter_context(serve(folder / "database", throwaway=throwaway)).url
        name = f"kynaplatform_bench_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as elsewhere:
            elsewhere.execute(f'CREATE DATABASE "{name}"')
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        try:
            yield
        finally:
            from django.db import connections

            connections.close_all()
            with psycopg.connect(server, autocommit=True) as elsewhere:
                elsewhere.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def make_scene() -> Scene:
    """A customer of one project, with a released MoveSpec."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from movespecs.drafts import movespec_create
    from movespecs.models import PLATFORM
    from movespecs.releases import version_create, version_release
    from projects.access_tokens import access_token_mint
    from projects.credentials import credential_issue
    from projects.models import CredentialKind, Organization, Project
    from projects.signing import signing_key_rotate

    call_command("migrate", verbosity=0)
    now = timezone.now()
    signing_key_rotate(now=now)
    organization = Organization.objects.create(name="Bench")
    project = Project.objects.create(organization=organization, name="Bench")
    key, _ = credential_issue(project=project, kind=CredentialKind.API_KEY, name="Bench")
    _, jwt = access_token_mint(credential=key, scopes=key.scopes, now=now)
    movespec = movespec_create(
        project_id=project.id,
        name="Squat",
        description=None,
        author=PLATFORM,
        now=now,
        yaml_source=MOVESPEC,
    )
    version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
    version_release(movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=now)
    return Scene(jwt, project.id, movespec.id)


def _serve(
    folder: Path, *command: str, port: int | None = None, **variables: str
) -> contextlib.AbstractContextManager[Popen[bytes]]:
    """`python -m COMMAND`, ready once something listens on the port."""
    return processes.running(
        [sys.executable, "-m", *command],
        log=folder / f"{command[0]}.log",
        is_ready=lambda: port is None or listens(port),
        ready_seconds=120,
        signals=[(signal.SIGTERM, 12), (signal.SIGQUIT, 3)],
        cwd=PROJECT,
        env={**os.environ, **UNLIMITED, **variables},
    )


def served(guard: Popen[bytes]) -> psutil.Process:
    """The process that a guard guards, once it has started it."""
    while not (found := psutil.Process(guard.pid).children()):
        time.sleep(0.05)
    (process,) = found
    return process


class Server:
    """A server that listens on `port`, with the process that serves there."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self.process = process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_kib(self) -> float:
        return float(self.process.memory_info().rss / 1024)


@contextlib.contextmanager
def web_server(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    port = free_port()
    words = ("kynaplatform", "api", "--port", str(port), "--monitor-port", "0")
    variables = {"WEB_PROCESSES": str(workers), "WEB_THREADS": str(threads)}
    with _serve(folder, *words, port=port, **variables) as guard:
        yield Server(port, served(guard))


@contextlib.contextmanager
def runtime(folder: Path, *options: str) -> Iterator[Server]:
    """A runtime, with the options of `dev.bench.partial_runtime`."""
    port = free_port()
    words = ("dev.bench.partial_runtime", *options)
    with _serve(folder, *words, port=port, REALTIME_PORT=str(port)) as guard:
        yield Server(port, served(guard))
