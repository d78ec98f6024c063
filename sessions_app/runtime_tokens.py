"""Runtime tokens: signed for a create, verified by the stream and by what a page asks of its
session."""

from datetime import datetime
from typing import Final, NamedTuple, cast
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from kynaplatform.api.operations import RUNTIME_SCOPE, Principal
from kynaplatform.api.throttling import count_bad_bearer
from projects import access_tokens
from projects.signing import ISSUER, TokenRejected, key_ring, sign, verify
from sessions_app.models import DetectionSession

TOKEN_TYPE: Final = "kyna-runtime+jwt"  # noqa: S105
AUDIENCE: Final = "kyna-runtime"
INPUT_SCHEMA_VERSION: Final = "mediapipe_pose_landmarker/v1"
OUTPUT_SCHEMA_VERSION: Final = "kynasmith_detection_events/v1"


class RuntimeTokenMissing(ApiError):
    status, code = 401, "runtime_token_missing"
    sentence = "Send the session's runtime token as a bearer."


class RuntimeTokenInvalid(ApiError):
    status, code = 401, "runtime_token_invalid"
    sentence = "The runtime token is not valid for this session."


class RuntimeTokenExpired(ApiError):
    status, code = 401, "runtime_token_expired"
    sentence = "The runtime token has expired: create a new session."


class AdmittedSession(NamedTuple):
    """The columns of a session that the answer to its create has, replayed or not."""

    project_id: UUID
    id: UUID
    resolved_version_id: UUID
    mode: str
    contract_major: int
    created_at: datetime
    signing_key_id: UUID
    runtime_token_expires_at: datetime
    stream_url: str
    request_fingerprint: bytes | None


class TokenSession(NamedTuple):
    """The session that a runtime token is for, and its project."""

    session_id: UUID
    project_id: UUID


def runtime_token(session: AdmittedSession, organization_id: UUID, now: datetime) -> str:
    """The session's token, signed with the key that the session names."""
    issued_at = int(session.created_at.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": session.id,
        "jti": session.id,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": int(session.runtime_token_expires_at.timestamp()),
        "organization_id": organization_id,
        "project_id": session.project_id,
        "movespec_version_id": session.resolved_version_id,
        "mode": session.mode,
        "contract_major": session.contract_major,
        "input_schema_version": INPUT_SCHEMA_VERSION,
        "output_schema_version": OUTPUT_SCHEMA_VERSION,
    }
    private = key_ring().private(session.signing_key_id, now)
    return sign(TOKEN_TYPE, claims, session.signing_key_id, private)


def session_of_token(token: str | None, now: datetime) -> tuple[TokenSession, bool]:
    """The session of a runtime token that we signed, and whether the token has expired.

    Raises RuntimeTokenMissing and RuntimeTokenInvalid.
    """
    if token is None:
        raise RuntimeTokenMissing
    try:
        claims = verify(token, TOKEN_TYPE, AUDIENCE, now)
        session = TokenSession(UUID(claims["sub"]), UUID(claims["project_id"]))
        return session, float(claims["exp"]) <= now.timestamp()
    except TokenRejected as error:
        raise _refusal_of(token, now) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RuntimeTokenInvalid from error


def _refusal_of(token: str, now: datetime) -> RuntimeTokenInvalid:
    """The refusal of an invalid token, which says if it is an access token of the API."""
    try:
        verify(token, access_tokens.TOKEN_TYPE, access_tokens.AUDIENCE, now)
    except TokenRejected:
        return RuntimeTokenInvalid()
    return RuntimeTokenInvalid(
        "This is an access token of the API: send the runtime_token of the session's create."
    )


class RuntimeTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <runtime_token>`: a principal of that session alone."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            if scheme.lower() != "bearer" or not token.strip():
                raise RuntimeTokenMissing
            session, has_expired = session_of_token(token.strip(), clock.now())
            if has_expired:
                raise RuntimeTokenExpired
            return _principal_of(session), None
        except (RuntimeTokenMissing, RuntimeTokenInvalid, RuntimeTokenExpired):
            count_bad_bearer(request._request)
            raise


def _principal_of(token: TokenSession) -> Principal:
    """Raises RuntimeTokenInvalid if the session was deleted."""
    sessions = DetectionSession.objects.select_related("project__organization")
    sessions = sessions.defer("packed_state", "engine_state")
    session = sessions.filter(id=token.session_id, project_id=token.project_id).first()
    if session is None:
        raise RuntimeTokenInvalid
    project = session.project
    return Principal(
        token_id=session.id,
        state="",
        credential_id=cast(UUID, session.created_by),
        project_id=project.id,
        organization_id=project.organization_id,
        scopes=frozenset({RUNTIME_SCOPE}),
        session_id=session.id,
        quotas=None,
        organization_suspended=project.organization.suspended_at is not None,
        project_suspended=project.suspended_at is not None,
    )
