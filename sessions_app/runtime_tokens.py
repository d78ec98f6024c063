"""Runtime tokens: Ed25519 JWTs that let a client attach to one session.

The claims follow from the session's own columns, and signing is deterministic. A replay signs again
and gives the same bytes, so no token is stored.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from projects.signing import ISSUER, key_ring, sign
from sessions_app.admission import AdmittedSession

TOKEN_TYPE: Final = "kyna-runtime+jwt"  # noqa: S105
AUDIENCE: Final = "kyna-runtime"
INPUT_SCHEMA_VERSION: Final = "mediapipe_pose_landmarker/v1"
OUTPUT_SCHEMA_VERSION: Final = "kynasmith_detection_events/v1"


def runtime_token(session: AdmittedSession, organization_id: UUID, now: datetime) -> str:
    """The session's token, signed with the key that the session names."""
    issued_at = int(session.created_at.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(session.id),
        "jti": str(session.id),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": int(session.runtime_token_expires_at.timestamp()),
        "organization_id": str(organization_id),
        "project_id": str(session.project_id),
        "movespec_version_id": str(session.resolved_version_id),
        "mode": session.mode,
        "contract_major": session.contract_major,
        "input_schema_version": INPUT_SCHEMA_VERSION,
        "output_schema_version": OUTPUT_SCHEMA_VERSION,
    }
    private = key_ring().private(session.signing_key_id, now)
    return sign(TOKEN_TYPE, claims, session.signing_key_id, private)
