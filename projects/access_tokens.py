"""Access tokens of machines (RFC 9068): minted, recorded by `jti`, revoked."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from common.slices import delete_in_slices
from kynaplatform.api.errors import ApiError, InsufficientScope
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.throttling import count_request, refuse_over_limit
from kynaplatform.middleware import add_to_line, client_address
from projects.credentials import credential_verify
from projects.models import AccessToken, Credential, CredentialKind, Scope, granted_scopes
from projects.schemas import Claim
from projects.signing import ISSUER, key_ring, sign

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105
AUDIENCE: Final = "kyna-api"
LAST_USED_EVERY = timedelta(minutes=1)
TOKENS_KEPT = timedelta(days=30)


def access_token_mint(
    *,
    credential: Credential,
    scopes: Iterable[str],
    now: datetime,
    seconds: int | None = None,
    session_id: UUID | None = None,
) -> tuple[AccessToken, str]:
    """A recorded token and its JWT, which lives no longer than its credential.

    `seconds` defaults to ACCESS_TOKEN_SECONDS. With `session_id` the token reads only that session.
    """
    lifetime = timedelta(seconds=seconds or settings.ACCESS_TOKEN_SECONDS)
    expires_at = now.replace(microsecond=0) + lifetime
    if credential.expires_at is not None:
        expires_at = min(expires_at, credential.expires_at)
    token = AccessToken(
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
    """A second call keeps the time of the first."""
    AccessToken.objects.filter(id=token.id, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])


def credential_touch(credential_id: UUID, now: datetime) -> None:
    """Record the use of a credential, at most once a minute."""
    is_due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_EVERY)
    Credential.objects.filter(is_due, id=credential_id).update(last_used_at=now)


def prune_access_tokens(*, now: datetime) -> int:
    """Delete the records of access tokens that expired 30 days ago."""
    old = AccessToken.objects.filter(expires_at__lt=now - TOKENS_KEPT)
    return delete_in_slices(old.order_by("expires_at"))


class ApiKeyInvalid(ApiError):
    status, code = 401, "api_key_invalid"
    sentence = "The API key is not valid."


class ServiceAccountInvalid(ApiError):
    status, code = 401, "service_account_invalid"
    sentence = "The service account's credentials are not valid."


@contextmanager
def bad_bodies_counted(request: HttpRequest) -> Iterator[None]:
    """Wraps the reading of a mint's body: a bad one is a failure; after too many, none is read."""
    failures = [_failures_of(client_address(request))]
    refuse_over_limit(count_request(request, failures, counting=False))
    try:
        yield
    except (ApiError, BadRequest):
        refuse_over_limit(count_request(request, failures))
        raise


def authenticate_claim(claim: Claim, request: HttpRequest, now: datetime) -> Credential:
    """The claimed credential, counted on the mint limits.

    A failure counts per credential and address, and per address; a success on its project. Raises
    429, and 401 with the same message for every fault of the credential.
    """
    address = client_address(request)
    # The claimed id, or the 40 characters by which a secret names it.
    claimed = hashlib.sha256((claim.id or claim.secret[:40]).encode()).hexdigest()[:16]
    failures = [
        Limit(f"mint_credential:{claimed}@{address}", settings.RATE_LIMIT_MINT),
        _failures_of(address),
    ]
    refuse_over_limit(count_request(request, failures, counting=False))
    credential = credential_verify(
        kind=claim.kind, secret=claim.secret, credential_id=claim.id, now=now
    )
    if credential is None:
        # Counted before the 401, so that concurrent tries get no more 401s than the limit.
        refuse_over_limit(count_request(request, failures))
        raise ApiKeyInvalid if claim.kind == CredentialKind.API_KEY else ServiceAccountInvalid
    add_to_line(request, project_id=credential.project_id)
    mints = Limit(f"mint_project:{credential.project_id}", settings.RATE_LIMIT_MINT)
    decision = count_request(request, [mints])
    credential.project.require_active()
    refuse_over_limit(decision)
    return credential


def narrow_scopes(credential: Credential, requested: list[Scope] | None) -> list[str]:
    """The requested scopes, or all of the credential's; raises 403 for one that it lacks."""
    if requested is None:
        return credential.scopes
    granted = granted_scopes(credential.scopes)
    for scope in requested:
        if scope not in granted:
            raise InsufficientScope(scope)
    return [scope.value for scope in requested]


def _failures_of(address: str) -> Limit:
    return Limit(f"mint_address:{address}", settings.RATE_LIMIT_MINT)
