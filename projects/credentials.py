"""Secrets of API keys and service accounts: made, shown once, kept as keyed hashes.

A secret reads `kyna_sk_<id>_<random>` (`kyna_sa_` for a service account): it names its
credential, so one lookup finds it, and secret scanners recognise it.
"""

import hmac
import re
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from projects.models import Credential, CredentialKind, Project

SECRET_BYTES = 32
PREFIXES = {CredentialKind.API_KEY: "kyna_sk_", CredentialKind.SERVICE_ACCOUNT: "kyna_sa_"}
_SECRET = re.compile(r"(kyna_s[ka]_)([0-9a-f]{32})_[A-Za-z0-9_-]{43}")


def credential_issue(
    *,
    project: Project,
    kind: CredentialKind,
    name: str,
    scopes: Iterable[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[Credential, str]:
    """A new credential and its secret, which is nowhere kept and never shown again."""
    id_ = uuid.uuid4()
    secret = f"{PREFIXES[kind]}{id_.hex}_{secrets.token_urlsafe(SECRET_BYTES)}"
    number = next(iter(settings.SECRET_PEPPERS))
    credential = Credential(
        id=id_,
        project=project,
        kind=kind,
        name=name,
        secret_hash=_keyed_hash(secret, number),
        pepper_number=number,
        expires_at=expires_at,
        created_at=timezone.now(),
    )
    if scopes is not None:
        credential.scopes = sorted(set(scopes))
    credential.save(force_insert=True)
    return credential, secret


def credential_verify(
    *, kind: CredentialKind, secret: str, credential_id: uuid.UUID | None, now: datetime
) -> Credential | None:
    """The live credential that `secret` belongs to, or None for whatever is wrong with it."""
    named = _named_by(secret, kind)
    if named is None or (credential_id is not None and credential_id != named):
        return None
    credential = (
        Credential.objects.select_related("project__organization")
        .filter(id=named, kind=kind)
        .first()
    )
    if credential is None or credential.pepper_number not in settings.SECRET_PEPPERS:
        return None
    expected = _keyed_hash(secret, credential.pepper_number)
    if not hmac.compare_digest(expected, bytes(credential.secret_hash)):
        return None
    if credential.revoked_at is not None:
        return None
    if credential.expires_at is not None and credential.expires_at <= now:
        return None
    return credential


def _named_by(secret: str, kind: CredentialKind) -> uuid.UUID | None:
    match = _SECRET.fullmatch(secret)
    if match is None or match[1] != PREFIXES[kind]:
        return None
    return uuid.UUID(match[2])


def _keyed_hash(secret: str, pepper_number: int) -> bytes:
    return hmac.digest(settings.SECRET_PEPPERS[pepper_number], secret.encode(), "sha256")
