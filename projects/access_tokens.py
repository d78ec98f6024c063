"""Access tokens of machines (RFC 9068): minted, recorded by `jti`, revoked."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from projects.models import AccessToken, Credential
from projects.signing import ISSUER, key_ring, sign

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105
AUDIENCE: Final = "kyna-api"
LAST_USED_EVERY = timedelta(minutes=1)


def access_token_mint(
    *,
    credential: Credential,
    scopes: Iterable[str],
    now: datetime,
    seconds: int | None = None,
    session_id: UUID | None = None,
) -> tuple[AccessToken, str]:
    """A recorded token and its JWT; `seconds` None is ACCESS_TOKEN_SECONDS.

    With `session_id` it stands for that one of its project's sessions alone. It lives no longer
    than its credential.
    """
    lifetime = timedelta(seconds=seconds or settings.ACCESS_TOKEN_SECONDS)
    expires_at = now.replace(microsecond=0) + lifetime
    if credential.expires_at is not None:
        expires_at = min(expires_at, credential.expires_at)
    token = AccessToken(
        id=uuid.uuid4(),
        project_id=credential.project_id,
        credential=credential,
        scopes=sorted(set(scopes)),
        session_id=session_id,
        created_at=now,
        expires_at=expires_at,
    )
    key = key_ring().active(now)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(credential.id),
        "client_id": str(credential.id),
        "jti": str(token.id),
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "scope": " ".join(token.scopes),
    }
    jwt = sign(TOKEN_TYPE, claims, key.id, key_ring().private(key.id, now))
    with transaction.atomic():
        token.save(force_insert=True)
        credential_touch(credential.id, now)
    return token, jwt


def access_token_revoke(*, token: AccessToken, now: datetime) -> None:
    """Revoke once: a second call leaves the first time standing."""
    AccessToken.objects.filter(id=token.id, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])


def credential_touch(credential_id: UUID, now: datetime) -> None:
    """Note that a credential was used, at most once a minute."""
    is_due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_EVERY)
    Credential.objects.filter(is_due, id=credential_id).update(last_used_at=now)
