"""The scene of the benches of the platform: a database of its own with one project in it."""

import contextlib
import dataclasses
import os
import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg

from dev.local_stack.environment import PROJECT, fill

if TYPE_CHECKING:
    from sessions_app.admission import AdmittedSession

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
    """The ids and the token of the requests and statements."""

    token: str
    token_id: uuid.UUID
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
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from projects.signing import signing_key_rotate

    call_command("migrate", verbosity=0)
    signing_key_rotate(now=timezone.now())
    return make_customer("Bench")


def make_customer(name: str, yaml_source: str = MOVESPEC) -> Scene:
    """A customer of one project, with a released MoveSpec."""
    from django.utils import timezone

    from movespecs.authors import PLATFORM
    from movespecs.drafts import movespec_create
    from movespecs.releases import version_create, version_release
    from projects.access_tokens import access_token_mint
    from projects.credentials import credential_issue
    from projects.models import CredentialKind, Organization, Project

    now = timezone.now()
    organization = Organization.objects.create(name=name)
    project = Project.objects.create(organization=organization, name=name)
    key, _ = credential_issue(project=project, kind=CredentialKind.API_KEY, name=name)
    token, jwt = access_token_mint(credential=key, scopes=key.scopes, now=now)
    movespec = movespec_create(
        project_id=project.id,
        name="Squat",
        description=None,
        author=PLATFORM,
        now=now,
        yaml_source=yaml_source,
    )
    version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
    version_release(movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=now)
    return Scene(jwt, token.id, project.id, movespec.id)


def admit(scene: Scene, now: datetime) -> "AdmittedSession":
    """A session of the scene, which nobody has attached to."""
    from sessions_app.admission import AdmissionRequest, session_admit

    session, _ = session_admit(
        request=AdmissionRequest(
            project_id=scene.project_id,
            mode="live",
            contract_major=1,
            movespec_id=scene.movespec_id,
            movespec_version_id=None,
            idempotency_key=None,
        ),
        now=now,
        principal=None,
    )
    return session
