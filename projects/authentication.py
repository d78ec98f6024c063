"""Bearer authentication: the token's signature, then its state from one statement or the cache."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import UUID

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kynaplatform import clock
from kynaplatform.api.errors import AccessTokenExpired, AccessTokenInvalid, AccessTokenMissing
from kynaplatform.api.operations import Principal, Quotas
from kynaplatform.api.throttling import count_bad_bearer
from kynaplatform.database.connections import Statement
from projects.access_tokens import AUDIENCE, LAST_USED_EVERY, TOKEN_TYPE, credential_touch
from projects.credentials import PREFIXES, SECRET
from projects.models import CredentialKind, granted_scopes, row_is_live
from projects.signing import TokenRejected, verify

# Everything that decides what a principal may do, as text that no connection setting changes.
_STATE = """
ROW(
    token.scopes, token.session_id, token.revoked_at IS NULL, extract(epoch FROM token.expires_at),
    credential.revoked_at IS NULL, extract(epoch FROM credential.expires_at),
    project.suspended_at IS NULL, project.rate_limit, project.rate_limit_sessions,
    project.rate_limit_movespecs, project.live_sessions, organization.id,
    organization.suspended_at IS NULL, organization.rate_limit
)::text
"""
_TABLES = """
projects_accesstoken AS token
JOIN projects_credential AS credential ON credential.id = token.credential_id
JOIN projects_project AS project ON project.id = token.project_id
JOIN projects_organization AS organization ON organization.id = project.organization_id
"""
_READ = Statement(f"""
SELECT token.scopes, token.session_id, token.revoked_at, token.expires_at,
       credential.id, credential.revoked_at, credential.expires_at, credential.last_used_at,
       project.id, project.suspended_at IS NOT NULL,
       project.rate_limit, project.rate_limit_sessions, project.rate_limit_movespecs,
       project.live_sessions,
       organization.id, organization.suspended_at IS NOT NULL, organization.rate_limit,
       {_STATE}, clock_timestamp()
FROM {_TABLES}
WHERE token.id = %s
""")  # noqa: S608
# The state as another statement sees it; NULL where there is no such token.
STATE_OF_TOKEN = f"SELECT {_STATE} FROM {_TABLES} WHERE token.id = %(token_id)s::uuid"  # noqa: S608
MAX_CACHED = 4096


class _Cached(NamedTuple):
    principal: Principal
    until: datetime


_cached: dict[UUID, _Cached] = {}


def principal_cached(token_id: UUID, now: datetime) -> Principal | None:
    """The principal as last read, until it expires or its use must be recorded again."""
    cached = _cached.get(token_id)
    return cached.principal if cached is not None and now < cached.until else None


def principal_read(token_id: UUID, now: datetime) -> Principal:
    """The token's principal; raises AccessTokenInvalid or AccessTokenExpired.

    Records its use at most once a minute. A refused token leaves the cache.
    """
    _cached.pop(token_id, None)
    asked_at = clock.ticks()
    row = _READ.row([token_id])
    if row is None:
        raise AccessTokenInvalid
    (
        scopes, session_id, revoked_at, expires_at,
        credential_id, credential_revoked_at, credential_expires_at, last_used_at,
        project_id, project_suspended, project_limit, sessions_limit, movespecs_limit,
        live_sessions, organization_id, organization_suspended, organization_limit,
        state, database_time,
    ) = row  # fmt: skip
    clock.measured(database_time, asked_at)
    if revoked_at is not None or not row_is_live(
        now, revoked_at=credential_revoked_at, expires_at=credential_expires_at
    ):
        raise AccessTokenInvalid
    if expires_at <= now:
        raise AccessTokenExpired
    if last_used_at is None or last_used_at <= now - LAST_USED_EVERY:
        credential_touch(credential_id, now)
        last_used_at = now
    principal = Principal(
        token_id=token_id,
        state=state,
        credential_id=credential_id,
        project_id=project_id,
        organization_id=organization_id,
        scopes=granted_scopes(scopes),
        session_id=session_id,
        quotas=Quotas(
            project=_override(project_limit, settings.RATE_LIMIT_PROJECT),
            organization=_override(organization_limit, settings.RATE_LIMIT_ORGANIZATION),
            sessions=_override(sessions_limit, settings.RATE_LIMIT_SESSIONS),
            movespecs=_override(movespecs_limit, settings.RATE_LIMIT_MOVESPECS),
            live_sessions=live_sessions or settings.LIVE_SESSIONS_PER_PROJECT,
        ),
        organization_suspended=organization_suspended,
        project_suspended=project_suspended,
    )
    ends = (last_used_at + LAST_USED_EVERY, expires_at, credential_expires_at or expires_at)
    if len(_cached) >= MAX_CACHED:
        _cached.clear()
    _cached[token_id] = _Cached(principal, until=min(ends))
    return principal


def _override(override: int | None, default: int) -> int:
    return default if override is None else override


if TYPE_CHECKING:
    from kynaplatform.api.views import ApiRequest

_KEY, _SECRET = (
    PREFIXES[kind] for kind in (CredentialKind.API_KEY, CredentialKind.SERVICE_ACCOUNT)
)
MINT_FIRST = {
    _KEY: "This is an API key, not an access token. Send it as `api_key` to "
    "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer.",
    _SECRET: "This is a service account's secret, not an access token. "
    "Send it as `service_account_secret`, with its `service_account_id`, to "
    "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer.",
}


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; no header is an anonymous principal."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise AccessTokenMissing
            # Its own statement measures the clock, so no request needs another for that.
            now = clock.now(math.inf)
            token_id = token_id_of(token.strip(), now)
            asked = cast("ApiRequest", request)
            cached = principal_cached(token_id, now) if asked.may_use_cached else None
            asked.is_cached = cached is not None
            return cached or principal_read(token_id, now), None
        except (AccessTokenMissing, AccessTokenInvalid):
            # An expired token was ours: its client is asked to renew it.
            count_bad_bearer(request._request)
            raise


def token_id_of(token: str, now: datetime) -> UUID:
    """The id of a token that we signed and that has not expired."""
    try:
        claims = verify(token, TOKEN_TYPE, AUDIENCE, now)
        token_id, expires = UUID(claims["jti"]), int(claims["exp"])
    except (TokenRejected, KeyError, ValueError, TypeError, AttributeError):
        # A secret may be sent as `id:secret`, as POST /api/auth/access-tokens takes it.
        secret = SECRET.fullmatch(token.rpartition(":")[2])
        raise AccessTokenInvalid(secret and MINT_FIRST[secret[1]]) from None
    if expires <= now.timestamp():
        raise AccessTokenExpired
    return token_id
