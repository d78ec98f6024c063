"""Bearer authentication: the token's signature, then its state in one SQL statement."""

import math
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kynaplatform import clock
from kynaplatform.api.caller import Caller, Quotas
from kynaplatform.api.errors import (
    AccessTokenExpired,
    AccessTokenInvalid,
    AccessTokenMissing,
)
from kynaplatform.api.throttling import count_bad_bearer
from kynaplatform.database.statements import Statement
from projects.access_tokens import AUDIENCE, LAST_USED_EVERY, TOKEN_TYPE, credential_touch
from projects.credentials import kind_of_secret, row_is_live
from projects.models import CredentialKind
from projects.scopes import granted_scopes
from projects.signing import TokenRejected, verify

_STATE = Statement("""
SELECT token.scopes, token.session_id, token.revoked_at, token.expires_at,
       credential.id, credential.revoked_at, credential.expires_at, credential.last_used_at,
       project.id, project.suspended_at IS NOT NULL,
       project.rate_limit, project.rate_limit_sessions, project.rate_limit_movespecs,
       organization.id, organization.suspended_at IS NOT NULL, organization.rate_limit,
       clock_timestamp()
FROM projects_accesstoken AS token
JOIN projects_credential AS credential ON credential.id = token.credential_id
JOIN projects_project AS project ON project.id = token.project_id
JOIN projects_organization AS organization ON organization.id = project.organization_id
WHERE token.id = %s
""")
MINT_FIRST = {
    CredentialKind.API_KEY: "This is an API key, not an access token. Send it as `api_key` to "
    "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer.",
    CredentialKind.SERVICE_ACCOUNT: "This is a service account's secret, not an access token. "
    "Send it as `service_account_secret`, with its `service_account_id`, to "
    "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer.",
}


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; no header is an anonymous caller."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise AccessTokenMissing
            # Its own statement measures the clock: that costs no request another.
            return authenticate_token(token.strip(), clock.now(math.inf)), None
        except (AccessTokenMissing, AccessTokenInvalid):
            # One that has expired was ours, and is told to be renewed.
            count_bad_bearer(request._request)
            raise


def authenticate_token(token: str, now: datetime) -> Caller:
    """The caller that `token` stands for; raises AccessTokenInvalid or AccessTokenExpired."""
    try:
        claims = verify(token, TOKEN_TYPE, AUDIENCE, now)
        token_id, expires = UUID(claims["jti"]), int(claims["exp"])
    except (TokenRejected, KeyError, ValueError, TypeError, AttributeError):
        kind = kind_of_secret(token)
        raise AccessTokenInvalid(kind and MINT_FIRST[kind]) from None
    if expires <= now.timestamp():
        raise AccessTokenExpired
    row = _read_state(token_id)
    if row is None:
        raise AccessTokenInvalid
    (
        scopes, session_id, revoked_at, expires_at,
        credential_id, credential_revoked_at, credential_expires_at, last_used_at,
        project_id, project_suspended, project_limit, sessions_limit, movespecs_limit,
        organization_id, organization_suspended, organization_limit, _,
    ) = row  # fmt: skip
    if revoked_at is not None or not row_is_live(
        now, revoked_at=credential_revoked_at, expires_at=credential_expires_at
    ):
        raise AccessTokenInvalid
    if expires_at <= now:
        raise AccessTokenExpired
    if last_used_at is None or last_used_at <= now - LAST_USED_EVERY:
        credential_touch(credential_id, now)
    return Caller(
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
        ),
        organization_suspended=organization_suspended,
        project_suspended=project_suspended,
    )


def _read_state(token_id: UUID) -> tuple[Any, ...] | None:
    asked_at = clock.ticks()
    row = _STATE.row([token_id])
    if row is not None:
        clock.measured(row[-1], asked_at)
    return row


def _override(override: int | None, default: int) -> int:
    return default if override is None else override
