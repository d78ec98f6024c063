"""Bodies of the access token endpoints."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.wire import Answer, Body, Timestamp, from_row
from projects.models import AccessToken, CredentialKind
from projects.scopes import Scope

CredentialSecret = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


@dataclass(frozen=True, slots=True)
class Claim:
    """The credential that a request claims to hold."""

    kind: CredentialKind
    id: str | None
    secret: str


class AccessTokenMint(Body):
    """One credential in exactly one shape: id and secret, or `api_key` alone."""

    api_key_id: CredentialSecret | None = None
    api_key_secret: CredentialSecret | None = None
    service_account_id: CredentialSecret | None = None
    service_account_secret: CredentialSecret | None = None
    api_key: CredentialSecret | None = None
    project_id: UUID | None = None
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=100)] | None = None

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
        raise ValidationFailed(
            {
                "body": [
                    "Send exactly one of api_key_id with api_key_secret, service_account_id with "
                    "service_account_secret, or api_key."
                ]
            }
        )


class MintedAccessToken(Answer):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in_seconds: int
    organization_id: UUID
    project_id: UUID
    token_id: UUID
    scopes: list[Scope]
    expires_at: Timestamp


class AccessTokenRecord(Answer):
    """A minted token as it is remembered; the token itself is not."""

    token_id: UUID
    project_id: UUID
    credential_type: CredentialKind
    credential_id: UUID
    scopes: list[Scope]
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None


class JsonWebKey(Answer):
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]


class JsonWebKeySet(Answer):
    keys: list[JsonWebKey]


def present_access_token(token: AccessToken) -> AccessTokenRecord:
    """`token` with its credential loaded."""
    kind = token.credential.kind
    return from_row(AccessTokenRecord, token, token_id=token.id, credential_type=kind)
