"""Bodies of the access token endpoints."""

from typing import Annotated, ClassVar, Literal, NamedTuple
from uuid import UUID

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import (
    Answer,
    Body,
    OrganizationId,
    ProjectId,
    Timestamp,
    doc,
    from_row,
    given,
)
from projects.models import AccessToken, CredentialKind, Scope

CREDENTIAL_FIELDS = (
    *("api_key_id", "api_key_secret", "service_account_id", "service_account_secret"),
    "api_key",
)
ONE_SHAPE = (
    "Send exactly one of api_key_id with api_key_secret, service_account_id with "
    "service_account_secret, or api_key."
)
CredentialSecret = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class Claim(NamedTuple):
    """The credential that a request claims to hold."""

    kind: CredentialKind
    id: str | None
    secret: str


class AccessTokenMint(Body):
    """One credential in exactly one shape: id and secret, or `api_key` alone."""

    shapes: ClassVar = {
        "oneOf": [
            given(*shape, without=tuple(name for name in CREDENTIAL_FIELDS if name not in shape))
            for shape in (CREDENTIAL_FIELDS[:2], CREDENTIAL_FIELDS[2:4], CREDENTIAL_FIELDS[4:])
        ]
    }

    api_key_id: Annotated[
        CredentialSecret | None, doc("The id of an API key, with `api_key_secret`.")
    ] = None
    api_key_secret: Annotated[CredentialSecret | None, doc("Its secret.")] = None
    service_account_id: Annotated[
        CredentialSecret | None,
        doc("The id of a service account, with `service_account_secret`."),
    ] = None
    service_account_secret: Annotated[CredentialSecret | None, doc("Its secret.")] = None
    api_key: Annotated[
        CredentialSecret | None,
        doc("An API key alone: its secret, or `id:secret`.", "kyna_sk_…"),
    ] = None
    project_id: Annotated[UUID | None, doc("The credential's project. You may leave it out.")] = (
        None
    )
    scopes: Annotated[
        Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=100)] | None,
        doc("What the token may do. Left out: all that the credential may do."),
    ] = None

    def __post_init__(self) -> None:
        self.claim()

    def claim(self) -> Claim:
        """The one shape that it has; raises 422 for none, two, or half of one."""
        key = (self.api_key_id, self.api_key_secret)
        account = (self.service_account_id, self.service_account_secret)
        match key, account, self.api_key:
            case (str(id_), str(secret)), (None, None), None:
                return Claim(CredentialKind.API_KEY, id_, secret)
            case (None, None), (str(id_), str(secret)), None:
                return Claim(CredentialKind.SERVICE_ACCOUNT, id_, secret)
            case (None, None), (None, None), str(both):
                name, separator, secret = both.rpartition(":")
                return Claim(CredentialKind.API_KEY, name if separator else None, secret)
        raise ValidationFailed({"body": [ONE_SHAPE]})


TokenId = Annotated[
    UUID, doc("The token's id, to list or revoke it.", "8f6b1b1e-5a43-4f0e-9f0c-2f7f4f9d1c55")
]
TokenScopes = Annotated[
    list[Scope], doc("What the token may do.", ["sessions:write", "sessions:read"])
]
ExpiresAt = Annotated[Timestamp, doc("When it expires.", "2026-11-29T09:45:00Z")]


class MintedAccessToken(Answer):
    access_token: Annotated[
        str, doc("The token: send it as `Authorization: Bearer`.", "eyJhbGciOiJFZERTQSIs…")
    ]
    token_type: Annotated[Literal["Bearer"], doc("Always `Bearer`.")]
    expires_in_seconds: Annotated[int, doc("How long it can be used.", 900)]
    organization_id: OrganizationId
    project_id: ProjectId
    token_id: TokenId
    scopes: TokenScopes
    expires_at: ExpiresAt


class AccessTokenRecord(Answer):
    """A minted token as it is remembered; the token itself is not."""

    token_id: TokenId
    project_id: ProjectId
    credential_type: Annotated[CredentialKind, doc("What it was minted with.", "api_key")]
    credential_id: Annotated[
        UUID, doc("The API key or service account.", "c0f1d7a2-93a5-4d3b-8a55-64a6f2f8b0d3")
    ]
    scopes: TokenScopes
    created_at: Annotated[Timestamp, doc("When it was minted.", "2026-11-29T09:30:00Z")]
    expires_at: ExpiresAt
    revoked_at: Annotated[Timestamp | None, doc("When it was revoked; null if it was not.", None)]


class JsonWebKey(Answer):
    kty: Annotated[Literal["OKP"], doc("The kind of key.")]
    crv: Annotated[Literal["Ed25519"], doc("Its curve.")]
    x: Annotated[
        str,
        doc("The public key, in base64url.", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
    ]
    kid: Annotated[str, doc("Its id, which a token's header names.", "k3f9Qm")]
    use: Annotated[Literal["sig"], doc("It verifies signatures.")]


class JsonWebKeySet(Answer):
    keys: Annotated[list[JsonWebKey], doc("Every key whose tokens may be alive.")]


def access_token_response(token: AccessToken) -> AccessTokenRecord:
    """`token` with its credential loaded."""
    kind = token.credential.kind
    return from_row(AccessTokenRecord, token, token_id=token.id, credential_type=kind)
