"""The check of a mint: its limits, its credential's secret, and the scopes of its token."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest

from kynaplatform.api.errors import ApiError, InsufficientScope
from kynaplatform.api.principal import require_active
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.request_id import add_to_line
from kynaplatform.api.throttling import count_request, peek_request, refuse_over_limit
from kynaplatform.http.client_address import client_address
from projects.credentials import credential_verify
from projects.errors import ApiKeyInvalid, ServiceAccountInvalid
from projects.models import Credential, CredentialKind
from projects.schemas import Claim
from projects.scopes import Scope, granted_scopes

REFUSALS: dict[CredentialKind, type[ApiError]] = {
    CredentialKind.API_KEY: ApiKeyInvalid,
    CredentialKind.SERVICE_ACCOUNT: ServiceAccountInvalid,
}


@contextmanager
def bad_bodies_counted(request: HttpRequest) -> Iterator[None]:
    """Around a mint's body: one that can't be read is a failure, and too many are not looked at."""
    failures = [_failures_of(client_address(request))]
    refuse_over_limit(peek_request(request, failures))
    try:
        yield
    except (ApiError, BadRequest):
        refuse_over_limit(count_request(request, failures))
        raise


def authenticate_claim(claim: Claim, request: HttpRequest, now: datetime) -> Credential:
    """The credential behind `claim`, counted against the mint limits.

    Failures count per credential and address and per address; a success against its project.
    Raises 401 for whatever is wrong with the credential, with one message, and 429.
    """
    address = client_address(request)
    failures = [
        Limit(f"mint_credential:{_short(claim)}@{address}", settings.RATE_LIMIT_MINT),
        _failures_of(address),
    ]
    refuse_over_limit(peek_request(request, failures))
    credential = _find(claim, now)
    if credential is None:
        # Counted, and only then answered: no more 401s than the limit, however many at once.
        refuse_over_limit(count_request(request, failures))
        raise REFUSALS[claim.kind]
    add_to_line(request, project_id=credential.project_id)
    mints = Limit(f"mint_project:{credential.project_id}", settings.RATE_LIMIT_MINT)
    decision = count_request(request, [mints])
    project = credential.project
    require_active(
        organization_suspended=project.organization.suspended_at is not None,
        project_suspended=project.suspended_at is not None,
    )
    refuse_over_limit(decision)
    return credential


def narrow_scopes(credential: Credential, requested: list[Scope] | None) -> list[str]:
    """The scopes of a new token: those asked for, or all; raises 403 for more than it has."""
    if requested is None:
        return credential.scopes
    granted = granted_scopes(credential.scopes)
    for scope in requested:
        if scope not in granted:
            raise InsufficientScope(scope)
    return [scope.value for scope in requested]


def _failures_of(address: str) -> Limit:
    return Limit(f"mint_address:{address}", settings.RATE_LIMIT_MINT)


def _short(claim: Claim) -> str:
    """The claimed credential's name at a fixed length: strangers choose it.

    A secret alone begins with 40 characters that name its credential.
    """
    return hashlib.sha256((claim.id or claim.secret[:40]).encode()).hexdigest()[:16]


def _find(claim: Claim, now: datetime) -> Credential | None:
    credential_id = None
    if claim.id is not None:
        try:
            credential_id = UUID(claim.id)
        except ValueError:
            return None
    return credential_verify(
        kind=claim.kind, secret=claim.secret, credential_id=credential_id, now=now
    )
