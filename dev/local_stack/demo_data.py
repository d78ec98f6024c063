"""The demo data of `make run`: a member of staff, and a project with a key and a released fork of
the catalogue's squat.

`demo.json` has their ids and secrets for programs, `demo.env` what a client needs, for a shell to
source. What the database still holds is kept, the rest made anew.
"""

import io
import json
import secrets
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from dev.local_stack.environment import write_private
from movespecs.catalogue import catalogue_id, catalogue_text
from movespecs.drafts import movespec_create
from movespecs.models import PLATFORM, MoveSpec
from movespecs.releases import version_create, version_release
from projects.credentials import credential_issue, credential_verify
from projects.models import ALL_SCOPES, CredentialKind, Project, Scope

ADMIN = "admin"
# It tells the demo's member of staff from an `admin` that a database already has.
ADMIN_EMAIL = "admin@demo.invalid"
NAME = "Demo"
EXERCISE = "squat"


def make_demo(folder: Path, *, base_url: str, stream_url: str) -> None:
    path = folder / "demo.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    now = timezone.now()
    with transaction.atomic():
        demo = {"base_url": base_url, "stream_url": stream_url}
        demo |= _project_and_key(known, now)
        demo |= _movespec(known, UUID(demo["project_id"]), now)
        demo |= _admin(known)
        # Inside the transaction: a secret that is not on the disk is not in the database either.
        write_private(path, json.dumps(demo, indent=2) + "\n")
        write_private(folder / "demo.env", _shell_variables(demo, stream_url))


def _shell_variables(demo: dict[str, str], stream_url: str) -> str:
    variables = {
        "KYNA_URL": demo["base_url"],
        "KYNA_STREAM": "{0.scheme}://{0.netloc}".format(urlsplit(stream_url)),
        "KYNA_API_KEY": demo["api_key_secret"],
        "KYNA_PROJECT_ID": demo["project_id"],
        "KYNA_MOVESPEC_ID": demo["movespec_id"],
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _kept_id(known: dict[str, str], name: str) -> UUID:
    return UUID(known[name]) if name in known else UUID(int=0)


def _project_and_key(known: dict[str, str], now: datetime) -> dict[str, str]:
    project = Project.objects.filter(id=_kept_id(known, "project_id")).first()
    if project is None:
        out = io.StringIO()
        call_command("bootstrap_project", organization=NAME, project=NAME, json=True, stdout=out)
        made: dict[str, str] = json.loads(out.getvalue())
        why = "docs/api.md erases with the demo's key."
        scope = Scope.DATA_ERASE.value
        call_command("grant_scopes", made["api_key_id"], scope, reason=why, stdout=out)
        names = ("organization_id", "project_id", "api_key_id", "api_key_secret")
        return {name: made[name] for name in names}
    secret = known.get("api_key_secret", "")
    key = credential_verify(kind=CredentialKind.API_KEY, secret=secret, credential_id=None, now=now)
    if key is None or key.project_id != project.id:
        key, secret = credential_issue(
            project=project, kind=CredentialKind.API_KEY, name=NAME, scopes=ALL_SCOPES
        )
    return {
        "organization_id": str(project.organization_id),
        "project_id": str(project.id),
        "api_key_id": str(key.id),
        "api_key_secret": secret,
    }


def _movespec(known: dict[str, str], project_id: UUID, now: datetime) -> dict[str, str]:
    movespec = MoveSpec.objects.filter(
        id=_kept_id(known, "movespec_id"),
        project_id=project_id,
        archived_at__isnull=True,
        current_released_version__isnull=False,
    ).first()
    if movespec is None:
        source = MoveSpec.objects.get(id=catalogue_id(EXERCISE))
        # The catalogue's text, also where staff have archived the catalogue's MoveSpec.
        movespec = movespec_create(
            project_id=project_id,
            # Beside the catalogue's in lists.
            name=f"{NAME} {EXERCISE}",
            description=source.description,
            author=PLATFORM,
            now=now,
            yaml_source=catalogue_text(EXERCISE),
            forked_from=source,
        )
        version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
        movespec = version_release(
            movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=now
        )
    return {
        "movespec_id": str(movespec.id),
        "movespec_version_id": str(movespec.current_released_version_id),
    }


def _admin(known: dict[str, str]) -> dict[str, str]:
    users: Any = get_user_model().objects
    password = known.get("admin_password") or secrets.token_urlsafe(12)
    is_taken = users.filter(username=ADMIN).exclude(email=ADMIN_EMAIL).exists()
    username = f"demo-{ADMIN}" if is_taken else ADMIN
    user = users.filter(username=username).first()
    if user is None:
        users.create_superuser(username, ADMIN_EMAIL, password)
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return {"admin_username": username, "admin_password": password}
