"""Access tokens, and the public keys that verify the platform's tokens."""

from math import ceil
from typing import Any
from uuid import UUID

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import PUBLIC, Access, Operation, Principal, Result, Rows
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiView, ApiViewSet
from projects.access_tokens import (
    ApiKeyInvalid,
    ServiceAccountInvalid,
    access_token_mint,
    access_token_revoke,
    authenticate_claim,
    bad_bodies_counted,
    narrow_scopes,
)
from projects.models import AccessToken
from projects.schemas import (
    AccessTokenMint,
    AccessTokenRecord,
    JsonWebKeySet,
    MintedAccessToken,
    access_token_response,
)
from projects.signing import published_keys


def _own_token(principal: Principal, token_id: UUID) -> AccessToken | None:
    own = AccessToken.objects.filter(id=token_id, project_id=principal.project_id)
    return own.select_related("credential").first()


OWN_TOKEN = Rows("access_token", _own_token)


class AccessTokenViewSet(ApiViewSet):
    """Tokens of the caller's project."""

    tag, resource = "Access tokens", "access_token"
    access = {
        "create": PUBLIC,
        "list": Access("tokens:read"),
        "retrieve": Access("tokens:read", OWN_TOKEN),
        "revoke": Access("tokens:write", OWN_TOKEN),
    }

    @Operation(
        summary="Mint an access token",
        counted="by_view",
        around_body=bad_bodies_counted,
        example={"api_key": "kyna_sk_…"},
        status=201,
        idempotent=True,
        errors=(
            ApiKeyInvalid,
            ServiceAccountInvalid,
            errors.OrganizationSuspended,
            errors.ProjectSuspended,
            errors.InsufficientScope,
        ),
    )
    def create(self, request: ApiRequest, body: AccessTokenMint) -> MintedAccessToken:
        """Exchange an API key or a service account's secret for a short-lived bearer token.

        Send exactly one shape of credential. `scopes` narrows what the token may do. An
        Idempotency-Key is checked for its form and has no other effect.
        """
        now = clock.now()
        credential = authenticate_claim(body.claim(), request._request, now)
        scopes = narrow_scopes(credential, body.scopes)
        if body.project_id not in (None, credential.project_id):
            raise errors.ProjectMismatch
        token, jwt = access_token_mint(credential=credential, scopes=scopes, now=now)
        return MintedAccessToken(
            access_token=jwt,
            token_type="Bearer",  # noqa: S106
            expires_in_seconds=ceil((token.expires_at - now).total_seconds()),
            organization_id=credential.project.organization_id,
            project_id=credential.project_id,
            token_id=token.id,
            scopes=token.scopes,  # type: ignore[arg-type]
            expires_at=token.expires_at,
        )

    @Operation(summary="List access tokens", returns=list[AccessTokenRecord])
    def list(self, request: ApiRequest, query: PageQuery) -> Result:
        """The project's tokens, newest first; never the tokens themselves."""
        tokens = AccessToken.objects.filter(project_id=request.principal.project_id)
        return paginate(
            request._request, tokens.select_related("credential"), query, access_token_response
        )

    @Operation(summary="Read an access token's record")
    def retrieve(self, request: ApiRequest, token: AccessToken) -> AccessTokenRecord:
        """One token's record, without the token."""
        return access_token_response(token)

    @Operation(summary="Revoke an access token")
    def revoke(self, request: ApiRequest, token: AccessToken) -> AccessTokenRecord:
        """From now on the token is refused. Again: the same answer. Sessions go on."""
        access_token_revoke(token=token, now=clock.now())
        return access_token_response(token)


class JsonWebKeySetView(ApiView):
    tag, resource = "Platform", "jwks"
    access = {"get": PUBLIC}

    @Operation(
        summary="The public keys of the platform's tokens", counted="no", returns=JsonWebKeySet
    )
    def get(self, request: ApiRequest) -> dict[str, Any]:
        """A JWK set (RFC 7517). A next key is published five minutes before it signs."""
        return {"keys": published_keys()}
