"""The demo data of `make run`: a member of staff, and a project with a key and a released fork of
the catalogue's squat.

`demo.json` has their ids and secrets for programs, `demo.env` what a client needs, for a shell to
source. They are kept while the key and the MoveSpec are usable; otherwise a project is made anew.
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
from projects.credentials import credential_verify
from projects.models import CredentialKind, Scope

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
        if not _is_there(known, now):
            known = _make_project(now) | {"admin_password": known.get("admin_password", "")}
        demo = known | {"base_url": base_url, "stream_url": stream_url} | _admin(known)
        # Inside the transaction: a secret that is not on the disk is not in the database either.
        write_private(path, json.dumps(demo, indent=2) + "\n")
        variables = {
            "KYNA_URL": base_url,
            "KYNA_STREAM": "{0.scheme}://{0.netloc}".format(urlsplit(stream_url)),
            "KYNA_API_KEY": demo["api_key_secret"],
            "KYNA_PROJECT_ID": demo["project_id"],
            "KYNA_MOVESPEC_ID": demo["movespec_id"],
        }
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        write_private(folder / "demo.env", "".join(lines))


def _is_there(known: dict[str, str], now: datetime) -> bool:
    if not known:
        return False
    kind, secret = CredentialKind.API_KEY, known["api_key_secret"]
    key = credential_verify(kind=kind, secret=secret, credential_id=None, now=now)
    kept = MoveSpec.objects.filter(id=known["movespec_id"], archived_at=None)
    return key is not None and kept.exists()


def _make_project(now: datetime) -> dict[str, str]:
    out = io.StringIO()
    call_command("bootstrap_project", organization=NAME, project=NAME, json=True, stdout=out)
    made: dict[str, str] = json.loads(out.getvalue())
    why = "docs/api.md erases with the demo's key."
    call_command("grant_scopes", made["api_key_id"], Scope.DATA_ERASE.value, reason=why, stdout=out)
    source = MoveSpec.objects.get(id=catalogue_id(EXERCISE))
    # The catalogue's text, also where staff have archived the catalogue's MoveSpec.
    movespec = movespec_create(
        project_id=UUID(made["project_id"]),
        # Beside the catalogue's in lists.
        name=f"{NAME} {EXERCISE}",
        description=source.description,
        author=PLATFORM,
        now=now,
        yaml_source=catalogue_text(EXERCISE),
        forked_from=source,
    )
    version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
    version_release(movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=now)
    names = ("organization_id", "project_id", "api_key_id", "api_key_secret")
    return {name: made[name] for name in names} | {
        "movespec_id": str(movespec.id),
        "movespec_version_id": str(version.id),
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
