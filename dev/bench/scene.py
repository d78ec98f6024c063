"""The scene of a bench: a database of its own with one project in it, and the servers that are
measured, as production starts them."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

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
MOVEMENT = "catalogue/squat"


class Scene(NamedTuple):
    token: str
    project_id: UUID


@contextmanager
def scene_for_run(throwaway: bool) -> Iterator[tuple[Path, Scene]]:
    """A temporary folder, and a scene in a database of its own that DATABASE_URL names; both are
    gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kynaplatform-bench-")))
        folder.chmod(0o755)  # as root, the embedded PostgreSQL runs as nobody
        os.environ |= {"DATA_DIR": str(folder / "data"), "ACCESS_TOKEN_SECONDS": "86400"}
        os.environ["ENVIRONMENT"] = "development"
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
        fill(os.environ, project=folder)
        server = os.environ.get("DATABASE_URL")
        if not server:
            from dev.local_stack.postgres import serve

            server = stack.enter_context(serve(folder / "database", throwaway=throwaway)).url
        name = f"kynaplatform_bench_{uuid4().hex[:8]}"
        elsewhere = stack.enter_context(psycopg.connect(server, autocommit=True))
        elsewhere.execute(f'CREATE DATABASE "{name}"')
        stack.callback(elsewhere.execute, f'DROP DATABASE "{name}" WITH (FORCE)')
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        yield folder, make_scene()


def make_scene() -> Scene:
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from projects.access_tokens import access_token_mint
    from projects.credentials import credential_issue
    from projects.models import CredentialKind, Organization, Project
    from projects.signing import signing_key_rotate

    call_command("migrate", verbosity=0)
    call_command("load_catalogue", stdout=io.StringIO())
    now = timezone.now()
    signing_key_rotate(now=now)
    organization = Organization.objects.create(name="Bench")
    project = Project.objects.create(organization=organization, name="Bench")
    key, _ = credential_issue(project=project, kind=CredentialKind.API_KEY, name="Bench")
    _, jwt = access_token_mint(credential=key, scopes=key.scopes, now=now)
    return Scene(jwt, project.id)


class Server(NamedTuple):
    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        return float(sum(self.process.cpu_times()[:2]))

    def resident_kib(self) -> float:
        return float(self.process.memory_info().rss / 1024)


def web_server(folder: Path, threads: int) -> AbstractContextManager[Server]:
    port = free_port()
    words = ("kynaplatform", "api", "--port", str(port), "--monitor-port", "0")
    return _server(folder, port, *words, WEB_PROCESSES="1", WEB_THREADS=str(threads))


def runtime(folder: Path, *options: str) -> AbstractContextManager[Server]:
    """A runtime, with the options of `dev.bench.partial_runtime`."""
    port = free_port()
    return _server(folder, port, "dev.bench.partial_runtime", *options, REALTIME_PORT=str(port))


@contextmanager
def _server(folder: Path, port: int, *command: str, **variables: str) -> Iterator[Server]:
    with processes.running(
        [sys.executable, "-m", *command],
        log=folder / f"{command[0]}.log",
        is_ready=lambda: listens(port),
        ready_seconds=120,
        signals=[(signal.SIGTERM, 12), (signal.SIGQUIT, 3)],
        cwd=PROJECT,
        env={**os.environ, **UNLIMITED, **variables},
    ) as guard:
        # It guards one process.
        (process,) = psutil.Process(guard.pid).children()
        yield Server(port, process)
