"""Admission: one SQL statement looks up the key, resolves the reference, and inserts.

Of simultaneous requests with one key, the unique constraint lets one insert. DO UPDATE makes the
others wait for it and returns its row; DO NOTHING would return none.
"""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from uuid_utils.compat import uuid7

from kynaplatform.api.errors import (
    ApiError,
    IdempotencyKeyReused,
    NotFound,
    RateLimited,
    ValidationFailed,
)
from kynaplatform.api.idempotency import Fingerprints
from kynaplatform.api.operations import Principal, PrincipalChanged
from kynaplatform.api.schemas import from_row
from kynaplatform.database.connections import Statement
from kynaplatform.timing import SWEEP_SECONDS
from movespecs.catalogue import catalogue_reference
from movespecs.errors import (
    MoveSpecArchived,
    MoveSpecForkRequired,
    MoveSpecNotReleased,
    MoveSpecVersionWithdrawn,
)
from movespecs.models import public_sql
from projects.authentication import STATE_OF_TOKEN
from projects.signing import key_ring
from sessions_app.context import require_parameters, require_target
from sessions_app.models import DetectionSession
from sessions_app.runtime_tokens import (
    INPUT_SCHEMA_VERSION,
    OUTPUT_SCHEMA_VERSION,
    AdmittedSession,
    runtime_token,
)
from sessions_app.schemas import SessionCreate, SessionCreated

_REQUESTED = ("mode", "project_id", "contract_major", "movespec_id", "movespec_version_id")
# The fields of each fingerprint version. Once a release has stored one it never changes: a new
# field needs a new version.
_WITH_CONTEXT = (*_REQUESTED, "parameters", "subject", "metadata", "locale")
FINGERPRINTS = Fingerprints(
    _REQUESTED, _WITH_CONTEXT, (*_WITH_CONTEXT, "movement", "target", "landmarker")
)


_COLUMNS = ", ".join(AdmittedSession._fields[1:])
_STATEMENT = Statement(f"""
WITH earlier AS (
    SELECT {_COLUMNS} FROM detection_session
    WHERE project_id = %(project_id)s::uuid AND idempotency_key = %(idempotency_key)s::varchar
),
reference AS (
    SELECT version.id AS version_id,
           CASE
               WHEN %(principal_state)s::text IS DISTINCT FROM ({STATE_OF_TOKEN})
                   THEN 'principal_changed'
               WHEN %(movespec_id)s::uuid IS NOT NULL AND named.id IS NULL
                   THEN 'movespec_not_found'
               WHEN %(version_id)s::uuid IS NOT NULL AND (
                   version.id IS NULL
                   OR owner.project_id <> %(project_id)s::uuid AND NOT (
                       {public_sql("owner")}
                       AND owner.current_released_version_id = version.id
                   )
               ) OR %(version_number)s::integer IS NOT NULL AND version.id IS NULL
                   THEN 'version_not_found'
               WHEN owner.id <> named.id THEN 'version_of_another_movespec'
               WHEN COALESCE(owner.archived_at, named.archived_at) IS NOT NULL
                   THEN 'movespec_archived'
               WHEN NOT %(of_catalogue)s::boolean
                   AND COALESCE(owner.project_id, named.project_id) <> %(project_id)s::uuid
                   THEN 'movespec_fork_required'
               WHEN version.id IS NULL THEN 'movespec_not_released'
               WHEN version.withdrawn_at IS NOT NULL THEN 'movespec_version_withdrawn'
               ELSE 'admitted'
           END AS verdict
    FROM (VALUES (1)) AS request
    LEFT JOIN movespecs_movespec AS named
        ON named.id = %(movespec_id)s::uuid
        AND (named.project_id = %(project_id)s::uuid OR {public_sql("named")})
    LEFT JOIN movespecs_movespecversion AS version
        ON version.id = COALESCE(
            %(version_id)s::uuid,
            CASE
                WHEN %(version_number)s::integer IS NULL THEN named.current_released_version_id
                ELSE (
                    SELECT numbered.id FROM movespecs_movespecversion AS numbered
                    WHERE numbered.movespec_id = named.id AND EXISTS (
                        SELECT 1 FROM movespecs_release AS release
                        WHERE release.to_version_id = numbered.id
                    )
                        AND numbered.version_number = %(version_number)s::integer
                )
            END
        )
    LEFT JOIN movespecs_movespec AS owner ON owner.id = version.movespec_id
),
inserted AS (
    INSERT INTO detection_session (
        id, project_id, resolved_version_id, mode, contract_major, status,
        accepted_frames_total, created_at, deadline_at, checkpoint_number,
        created_by, idempotency_key, request_fingerprint, signing_key_id,
        runtime_token_expires_at, stream_url, parameters, subject, metadata, locale, target,
        landmarker
    )
    SELECT %(id)s::uuid, %(project_id)s::uuid, reference.version_id, %(mode)s::varchar,
           %(contract_major)s::smallint, 'created', 0, %(created_at)s::timestamptz,
           %(deadline_at)s::timestamptz, 0, %(created_by)s::uuid, %(idempotency_key)s::varchar,
           %(request_fingerprint)s::bytea, %(signing_key_id)s::uuid,
           %(runtime_token_expires_at)s::timestamptz, %(stream_url)s::text,
           %(parameters)s::jsonb, %(subject)s::varchar, %(metadata)s::jsonb, %(locale)s::varchar,
           %(target)s::jsonb, %(landmarker)s::jsonb
    FROM reference
    WHERE reference.verdict = 'admitted' AND NOT EXISTS (SELECT 1 FROM earlier)
    ON CONFLICT (project_id, idempotency_key) WHERE idempotency_key IS NOT NULL
        DO UPDATE SET idempotency_key = detection_session.idempotency_key
    RETURNING {_COLUMNS}
)
SELECT reference.verdict, session.*
FROM reference
LEFT JOIN (SELECT * FROM earlier UNION ALL SELECT * FROM inserted) AS session ON TRUE
""")  # noqa: S608

_LOCK_PROJECT: Final = Statement("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))")
# Errors whose code is the statement's verdict.
MOVESPEC_REFUSALS: Final = (
    MoveSpecArchived, MoveSpecForkRequired, MoveSpecNotReleased, MoveSpecVersionWithdrawn
)  # fmt: skip
# Every verdict but `admitted`, and its error.
_REFUSALS: dict[str, Callable[[], ApiError]] = {
    "principal_changed": PrincipalChanged,
    "movespec_not_found": partial(NotFound, "movespec"),
    "version_not_found": partial(NotFound, "movespec_version"),
    "version_of_another_movespec": partial(
        ValidationFailed, {"movespec_version_id": ["The version is not one of this MoveSpec."]}
    ),
    **{error.code: error for error in MOVESPEC_REFUSALS},
}


class LiveSessionsFull(RateLimited):
    """The 429 of a create where the project has as many live sessions as it may."""

    def __init__(self, limit: int) -> None:
        ApiError.__init__(
            self,
            f"The project has {limit} live sessions, as many as it may. Finalize or cancel one, or "
            "wait until one has ended.",
            retry_after_seconds=int(SWEEP_SECONDS),
            limit_name="live_sessions",
            limit=limit,
        )


def session_admit(
    *,
    create: SessionCreate,
    now: datetime,
    principal: Principal | None,
    created_by: UUID | None = None,
    idempotency_key: str | None = None,
) -> tuple[AdmittedSession, bool]:
    """A new session, or the one that the key already made; and whether it is a replay.

    Nothing is admitted if the state of `principal` has changed since it was read. None is the
    platform itself, which has no state. `created_by` is the credential that asks.

    Raises PrincipalChanged, IdempotencyKeyReused, NotFound, ValidationFailed, MoveSpecArchived,
    MoveSpecForkRequired, MoveSpecNotReleased, MoveSpecVersionWithdrawn, LiveSessionsFull. Then
    nothing was written and the key is free.
    """
    fields = msgspec.structs.asdict(create)
    reference = catalogue_reference(create.movement) if create.movement else None
    id_ = uuid7()
    attach_until = now + timedelta(seconds=settings.SESSION_ATTACH_SECONDS)
    parameters = {
        **{
            name: msgspec.json.encode(value).decode()
            if isinstance(value, dict | msgspec.Struct)
            else value
            for name, value in fields.items()
        },
        "id": id_,
        "token_id": principal and principal.token_id,
        "principal_state": principal and principal.state,
        "movespec_id": reference.movespec_id if reference else create.movespec_id,
        "version_id": create.movespec_version_id,
        "version_number": reference and reference.number,
        "of_catalogue": reference is not None,
        "created_at": now,
        "deadline_at": attach_until,
        "created_by": created_by,
        "idempotency_key": idempotency_key,
        "request_fingerprint": FINGERPRINTS.of(fields) if idempotency_key else None,
        "signing_key_id": key_ring().active(now).id,
        "runtime_token_expires_at": attach_until + timedelta(seconds=settings.SESSION_MAX_SECONDS),
        "stream_url": f"{settings.PUBLIC_STREAM_URL}/{id_}",
    }
    max_live = principal.quotas.live_sessions if principal and principal.quotas else None
    # A check below may still refuse the session: then the transaction takes the insert back.
    is_checked = create.parameters or create.target or max_live is not None
    with transaction.atomic() if is_checked else nullcontext():
        if max_live is not None:
            # Of two creates at once, the second sees the first one's session.
            _LOCK_PROJECT.row([f"live_sessions:{create.project_id}"])
        row = _STATEMENT.row(parameters)
        assert row is not None  # noqa: S101 - the request itself is one
        verdict, *columns = row
        session = AdmittedSession(create.project_id, *columns)
        # A replay answers whatever the verdict, unless the principal has changed.
        if session.id is None or verdict == "principal_changed":
            raise _REFUSALS[verdict]()
        if session.id != id_:
            if not FINGERPRINTS.is_of(bytes(session.request_fingerprint or b""), fields):
                raise IdempotencyKeyReused
            return session, True
        if create.parameters:
            require_parameters(session.resolved_version_id, create.parameters)
        if create.target:
            require_target(session.resolved_version_id, create.target)
        if max_live is not None:
            live = DetectionSession.objects.live().filter(project_id=create.project_id)
            if live[: max_live + 1].count() > max_live:
                raise LiveSessionsFull(max_live)
    return session, False


def created_response(
    session: AdmittedSession, organization_id: UUID, now: datetime
) -> SessionCreated:
    """An admitted session with its runtime token: a replay has the same."""
    return from_row(
        SessionCreated,
        session,
        session_id=session.id,
        status="created",
        resolved_movespec_version_id=session.resolved_version_id,
        runtime_token=runtime_token(session, organization_id, now),
        input_schema_version=INPUT_SCHEMA_VERSION,
        output_schema_version=OUTPUT_SCHEMA_VERSION,
    )
