"""Bearer authentication: the token's signature, then its state in one SQL statement."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kynaplatform import clock
from kynaplatform.api.errors import (
    AccessTokenExpired,
    AccessTokenInvalid,
    AccessTokenMissing,
)
from kynaplatform.api.principal import Principal
from kynaplatform.api.throttling import count_bad_bearer
from projects.access_tokens import AUDIENCE, TOKEN_TYPE
from projects.credentials import kind_of_secret
from projects.models import CredentialKind
from projects.principals import principal_cached, principal_read
from projects.signing import TokenRejected, verify

if TYPE_CHECKING:
    from kynaplatform.api.views import ApiRequest

MINT_FIRST = {
    CredentialKind.API_KEY: "This is an API key, not an access token. Send it as `api_key` to "
    "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer.",
    CredentialKind.SERVICE_ACCOUNT: "This is a service account's secret, not an access token. "
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
            # Its own statement measures the clock: that costs no request another.
            now = clock.now(math.inf)
            token_id = _id_of(token.strip(), now)
            asked = cast("ApiRequest", request)
            cached = principal_cached(token_id, now) if asked.may_use_cached else None
            asked.is_cached = cached is not None
            return cached or principal_read(token_id, now), None
        except (AccessTokenMissing, AccessTokenInvalid):
            # One that has expired was ours, and is told to be renewed.
            count_bad_bearer(request._request)
            raise


def authenticate_token(token: str, now: datetime) -> Principal:
    """The principal that `token` stands for; raises AccessTokenInvalid or AccessTokenExpired."""
    return principal_read(_id_of(token, now), now)


def _id_of(token: str, now: datetime) -> UUID:
    """The id of a token that we have signed and that has not expired."""
    try:
        claims = verify(token, TOKEN_TYPE, AUDIENCE, now)
        token_id, expires = UUID(claims["jti"]), int(claims["exp"])
    except (TokenRejected, KeyError, ValueError, TypeError, AttributeError):
        kind = kind_of_secret(token)
        raise AccessTokenInvalid(kind and MINT_FIRST[kind]) from None
    if expires <= now.timestamp():
        raise AccessTokenExpired
    return token_id
