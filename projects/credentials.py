"""Secrets of API keys and service accounts: shown once, stored as keyed hashes.

A secret reads `kyna_sk_<id>_<random>` (`kyna_sa_` for a service account): the id finds its
credential in one lookup, and secret scanners recognise the form.
"""

import hmac
import re
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from kynaplatform.metrics.readiness import MISSING, OK
from projects.models import DEFAULT_SCOPES, Credential, CredentialKind, Project, Scope, is_live

SECRET_BYTES = 32
# A process hashes anew only this long after its start: by then every process of a rolling restart
# knows the newest pepper. One that didn't would refuse the credential.
HASHED_ANEW_AFTER_SECONDS = 600
_STARTED_AT = clock.ticks()
PREFIXES = {CredentialKind.API_KEY: "kyna_sk_", CredentialKind.SERVICE_ACCOUNT: "kyna_sa_"}
SECRET = re.compile(r"(kyna_s[ka]_)([0-9a-f]{32})_[A-Za-z0-9_-]{43}")


def credential_issue(
    *,
    project: Project,
    kind: CredentialKind,
    name: str,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    credential_id: uuid.UUID | None = None,
    replaces: Credential | None = None,
) -> tuple[Credential, str]:
    """A new credential and its secret, which is stored nowhere and never shown again.

    It has the scopes of the credential that it `replaces`, unknown ones of newer code included.
    Raises Conflict if `credential_id` exists: a repeated request must not get two; and ValueError
    for no scopes or an unknown one.
    """
    id_ = credential_id or uuid.uuid4()
    secret = f"{PREFIXES[kind]}{id_.hex}_{secrets.token_urlsafe(SECRET_BYTES)}"
    number = next(iter(settings.SECRET_PEPPERS))
    credential, is_new = Credential.objects.get_or_create(
        id=id_,
        defaults={
            "project": project,
            "kind": kind,
            "name": name,
            "scopes": replaces.scopes if replaces else sorted(_values(scopes)),
            "secret_hash": _keyed_hash(secret, number),
            "pepper_number": number,
            "expires_at": expires_at,
            "replaces": replaces,
            "created_at": clock.now(),
        },
    )
    if not is_new:
        raise Conflict("It was issued already, and its secret was shown then.")
    return credential, secret


def credential_rotate(
    *,
    credential: Credential,
    seen_expires_at: datetime | None,
    overlap: timedelta,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[Credential, str]:
    """A successor with the same project, kind, name and scopes, and its secret.

    The old credential works for `overlap` more, unless it expires sooner; with no overlap it is
    revoked. While it works it may be rotated again. Raises Conflict, having changed nothing, if it
    isn't live or no longer expires at `seen_expires_at`: somebody else has rotated it.
    """
    as_seen = Credential.objects.filter(is_live(now), id=credential.id, expires_at=seen_expires_at)
    with transaction.atomic():
        if overlap:
            end = now + overlap
            if seen_expires_at is not None:
                # Never the expiry itself: the change refuses a second rotation.
                end = min(end, seen_expires_at - timedelta(microseconds=1))
            is_changed = as_seen.update(expires_at=end)
        else:
            is_changed = as_seen.update(revoked_at=now)
        if not is_changed:
            raise Conflict(_why_not_live(credential, now))
        # The row is locked now; more scopes may have been granted since it was read.
        credential.refresh_from_db(fields=["scopes"])
        return credential_issue(
            project=credential.project,
            kind=CredentialKind(credential.kind),
            name=credential.name,
            expires_at=expires_at,
            replaces=credential,
        )


def credential_grant(
    *, credential_id: uuid.UUID, scopes: Iterable[str], now: datetime
) -> Credential:
    """Let a live credential also mint tokens with `scopes`; minted tokens keep theirs.

    Raises Credential.DoesNotExist if it isn't live, and ValueError for an unknown scope.
    """
    with transaction.atomic():
        live = Credential.objects.filter(is_live(now)).select_for_update(no_key=True)
        credential = live.get(id=credential_id)
        credential.scopes = sorted({*credential.scopes, *_values(scopes)})
        credential.save(update_fields=["scopes"])
    return credential


def credential_revoke(*, credential: Credential, now: datetime) -> None:
    """Refuse it and its access tokens from now on. Raises Conflict if it was revoked before."""
    valid = Credential.objects.filter(id=credential.id, revoked_at__isnull=True)
    if not valid.update(revoked_at=now):
        raise Conflict(_why_not_live(credential, now))


def credential_verify(
    *, kind: CredentialKind, secret: str, credential_id: str | None, now: datetime
) -> Credential | None:
    """The live credential of `secret`, or None for any fault.

    A hash with an older pepper is replaced by one with the newest.
    """
    match = SECRET.fullmatch(secret)
    if match is None or match[1] != PREFIXES[kind]:
        return None
    id_ = uuid.UUID(match[2])
    try:
        if credential_id is not None and uuid.UUID(credential_id) != id_:
            return None
    except ValueError:
        return None
    live = Credential.objects.select_related("project__organization").filter(is_live(now))
    credential = live.filter(id=id_, kind=kind).first()
    if credential is None or credential.pepper_number not in settings.SECRET_PEPPERS:
        return None
    expected = _keyed_hash(secret, credential.pepper_number)
    if not hmac.compare_digest(expected, bytes(credential.secret_hash)):
        return None
    newest = next(iter(settings.SECRET_PEPPERS))
    is_restart_over = clock.ticks() - _STARTED_AT >= HASHED_ANEW_AFTER_SECONDS
    if credential.pepper_number != newest and is_restart_over:
        as_read = Credential.objects.filter(id=id_, secret_hash=credential.secret_hash)
        as_read.update(secret_hash=_keyed_hash(secret, newest), pepper_number=newest)
    return credential


def _why_not_live(credential: Credential, now: datetime) -> str:
    credential.refresh_from_db(fields=["expires_at", "revoked_at"])
    if credential.revoked_at is not None:
        return f"It has been revoked since {credential.revoked_at:%Y-%m-%d %H:%M} UTC."
    if credential.expires_at is not None and credential.expires_at <= now:
        return f"It expired at {credential.expires_at:%Y-%m-%d %H:%M} UTC."
    return "It was rotated or given another expiry meanwhile."


def _values(scopes: Iterable[str]) -> set[str]:
    values = {Scope(scope).value for scope in scopes}
    if not values:
        raise ValueError("A credential has at least one scope.")
    return values


def _keyed_hash(secret: str, pepper_number: int) -> bytes:
    return hmac.digest(settings.SECRET_PEPPERS[pepper_number], secret.encode(), "sha256")


def peppers_state() -> str:
    """For /readyz: `missing` if SECRET_PEPPERS lack the number of a live credential's hash."""
    live = Credential.objects.filter(is_live(clock.now()))
    return MISSING if live.exclude(pepper_number__in=settings.SECRET_PEPPERS).exists() else OK
