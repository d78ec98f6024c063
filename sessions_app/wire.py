"""Bodies of the detection session endpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from kynaplatform.api.pagination import PageLimit, PageQuery
from kynaplatform.api.wire import Answer, Body, Query, Timestamp, from_row
from sessions_app.admission import AdmittedSession
from sessions_app.models import DetectionSession, EventType, Mode, Outcome, Status
from sessions_app.quality import Quality, quality_of
from sessions_app.runtime_tokens import (
    INPUT_SCHEMA_VERSION,
    OUTPUT_SCHEMA_VERSION,
    runtime_token,
)

Moment = Annotated[datetime, msgspec.Meta(tz=True, description="ISO 8601 with an offset or Z.")]

Repetitions = Annotated[
    dict[str, int],
    msgspec.Meta(description="How many repetitions were completed, by event_key; others are 0."),
]
SessionQuality = Annotated[
    Quality | None,
    msgspec.Meta(description="Of the frames so far. Null where nothing is known."),
]
EventId = Annotated[UUID, msgspec.Meta(description="The event_id of the last one that is known.")]


class SessionCreate(Body):
    """At least one of `movespec_id` and `movespec_version_id`; with both the version wins."""

    mode: Mode
    project_id: UUID
    contract_major: int = 1
    movespec_id: UUID | None = None
    movespec_version_id: UUID | None = None


class SessionCreated(Answer):
    session_id: UUID
    project_id: UUID
    status: Literal["created"]
    mode: Mode
    resolved_movespec_version_id: UUID
    stream_url: str
    runtime_token: str
    input_schema_version: Literal["mediapipe_pose_landmarker/v1"]
    output_schema_version: Literal["kynasmith_detection_events/v1"]


class SessionRecord(Answer):
    session_id: UUID
    organization_id: UUID
    project_id: UUID
    mode: Mode
    status: Status
    resolved_movespec_version_id: UUID
    accepted_frames_total: int
    terminal_outcome: Outcome | None
    created_at: Timestamp
    started_at: Timestamp | None
    ended_at: Timestamp | None
    deadline_at: Timestamp | None
    error_code: str | None
    error_message: str | None
    repetitions: Repetitions
    interrupted_total: int
    quality: SessionQuality


class SessionQuery(PageQuery):
    status: Status | msgspec.UnsetType = msgspec.UNSET
    mode: Mode | msgspec.UnsetType = msgspec.UNSET
    created_after: Moment | msgspec.UnsetType = msgspec.UNSET
    created_before: Moment | msgspec.UnsetType = msgspec.UNSET


class EventQuery(Query):
    after: EventId | msgspec.UnsetType = msgspec.UNSET
    type: EventType | msgspec.UnsetType = msgspec.UNSET
    limit: PageLimit = 100


def present_created(
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


def present_session(session: DetectionSession, organization_id: UUID) -> SessionRecord:
    """A session as its deadlines have left it: see sessions_app/deadlines.py."""
    return from_row(
        SessionRecord,
        session,
        session_id=session.id,
        organization_id=organization_id,
        resolved_movespec_version_id=session.resolved_version_id,
        quality=quality_of(session.summary),
    )
