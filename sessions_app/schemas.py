"""Bodies of the detection session endpoints."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.pagination import PageLimit, PageQuery
from kynaplatform.api.schemas import (
    Answer,
    Body,
    OrganizationId,
    OrUnset,
    ProjectId,
    Query,
    Timestamp,
    doc,
    from_row,
    given,
)
from movespecs.movement import ShownMovement
from sessions_app.context import (
    Landmarker,
    Locale,
    Metadata,
    Movement,
    Parameters,
    Subject,
    Target,
    require_context,
)
from sessions_app.models import DetectionSession, EventType, Mode, Outcome, Status
from sessions_app.stream_state import summary_of
from sessions_app.summary import TIMES_EXAMPLE, MovementSummary, Quality, counted_of, quality_of

Moment = Annotated[
    datetime, msgspec.Meta(tz=True, description="ISO 8601 with an offset or Z, itself excluded.")
]

SessionId = Annotated[UUID, doc("The session.", "69e5a962-81e8-405d-b532-91ede04e756a")]
SessionMode = Annotated[
    Mode, doc("`live` for a person before a camera, `replay` for a recording.", "live")
]
EXAMPLE_METADATA = {"plan": "knee-week-3", "clinic": "north"}
ResolvedVersionId = Annotated[
    UUID,
    doc("The version that counts, to the session's end.", "0b8f7a52-5d0c-4a59-9d39-ff5fd20d7c1e"),
]
StreamUrl = Annotated[
    str,
    doc(
        "The websocket to open, with the `runtime_token`.",
        "wss://kyna.example/api/detection/stream/69e5a962-81e8-405d-b532-91ede04e756a",
    ),
]


class SessionCreate(Body):
    """`movement`, or `movespec_id`, `movespec_version_id` or both; then the version wins."""

    shapes: ClassVar = {
        "anyOf": [
            given("movespec_id", without=("movement",)),
            given("movespec_version_id", without=("movement",)),
            given("movement", without=("movespec_id", "movespec_version_id")),
        ]
    }

    mode: SessionMode
    project_id: Annotated[
        UUID, doc("The project of your token.", "2541a341-c457-443b-b2f6-ff0f1ecac8b4")
    ]
    contract_major: Annotated[
        int, doc("The version of the contract that the client was written for: 1.", 1)
    ] = 1
    movespec_id: Annotated[
        UUID | None,
        doc(
            "A MoveSpec of your project: its released version counts.",
            "5b1cf7c1-2b55-4d0c-8a57-0f5c0c0b7c9e",
        ),
    ] = None
    movespec_version_id: Annotated[
        UUID | None,
        doc(
            "A version of it, released or not, in place of the released one.",
            "0b8f7a52-5d0c-4a59-9d39-ff5fd20d7c1e",
        ),
    ] = None
    movement: Annotated[
        Movement | None,
        doc(
            "A movement of the platform's catalogue in place of the ids: `catalogue/NAME` is its "
            "released version, `catalogue/NAME@N` its version N.",
            "catalogue/squat",
        ),
    ] = None
    parameters: Annotated[
        Parameters | None,
        doc("Numbers of the MoveSpec's `parameters`; others have their defaults.", {"depth": 90}),
    ] = None
    subject: Annotated[
        Subject | None,
        doc("Your own opaque id of the person, unique in your project: no name.", "p_4711"),
    ] = None
    metadata: Annotated[
        Metadata | None,
        doc("Your own notes, in all at most 4,096 bytes. Nothing reads them.", EXAMPLE_METADATA),
    ] = None
    locale: Annotated[
        Locale | None, doc("The language of the messages, as a BCP 47 tag.", "de-AT")
    ] = None
    landmarker: Annotated[
        Landmarker | None,
        doc(
            "What finds the person. Without visibility, hidden landmarks count as seen, and the "
            "stream tells its client so.",
            {"name": "@mediapipe/pose 0.5", "visibility": True},
        ),
    ] = None
    target: Annotated[
        Target | None,
        doc("The session finalizes by itself once this is reached.", {"repetitions": 10}),
    ] = None

    def __post_init__(self) -> None:
        has_id = self.movespec_id is not None or self.movespec_version_id is not None
        if has_id is (self.movement is not None):
            raise ValidationFailed(
                {"body": ["Send movespec_id, movespec_version_id or both, or movement alone."]}
            )
        # An empty object says as little as none.
        self.parameters, self.metadata = self.parameters or None, self.metadata or None
        require_context(
            movement=self.movement,
            parameters=self.parameters,
            subject=self.subject,
            metadata=self.metadata,
            locale=self.locale,
        )


class SessionCreated(Answer):
    session_id: SessionId
    project_id: ProjectId
    status: Annotated[Literal["created"], doc("Always `created`.", "created")]
    mode: SessionMode
    resolved_movespec_version_id: ResolvedVersionId
    stream_url: StreamUrl
    runtime_token: Annotated[
        str,
        doc("The secret that opens `stream_url`, and reads the movement.", "eyJhbGciOiJFZERTQSIs…"),
    ]
    input_schema_version: Annotated[
        Literal["mediapipe_pose_landmarker/v1"], doc("What a client sends on the stream.")
    ]
    output_schema_version: Annotated[
        Literal["kynasmith_detection_events/v1"], doc("What it gets there.")
    ]


class SessionMovement(ShownMovement, kw_only=True):
    """What a page shows of the movement that a session counts."""

    session_id: SessionId
    project_id: ProjectId
    status: Annotated[Status, doc("Where the session is.", "created")]
    target: Annotated[Target | None, doc("What ends the session by itself.", {"repetitions": 10})]
    cues: Annotated[
        dict[str, list[str]],
        doc(
            "The messages of its feedback by language; `und` where each is in one language.",
            {"en": ["Go lower."], "de": ["Tiefer."]},
        ),
    ]
    language: Annotated[
        str | None,
        doc("The language of this session's messages, else its locale; null where none is known."),
    ]
    angle_settings: Annotated[
        dict[str, float],
        doc(
            "The engine's settings, with which a page measures the same angle.",
            {"smoothing_ms": 80, "min_visibility": 0.5},
        ),
    ]
    stream_url: StreamUrl


class SessionRecord(Answer):
    session_id: SessionId
    organization_id: OrganizationId
    project_id: ProjectId
    mode: SessionMode
    status: Annotated[Status, doc("`completed`, `cancelled` and `failed` are final.", "completed")]
    resolved_movespec_version_id: ResolvedVersionId
    accepted_frames_total: Annotated[int, doc("The number of frames accepted for counting.", 812)]
    terminal_outcome: Annotated[
        Outcome | None, doc("Why it ended; null until it has.", "completed")
    ]
    created_at: Annotated[Timestamp, doc("When it was created.", "2026-11-29T09:30:00Z")]
    started_at: Annotated[
        Timestamp | None, doc("When a client first attached.", "2026-11-29T09:30:04.120Z")
    ]
    ended_at: Annotated[Timestamp | None, doc("When it ended.", "2026-11-29T09:30:31.480Z")]
    deadline_at: Annotated[
        Timestamp | None,
        doc("When it ends unless something changes; null once it has ended.", None),
    ]
    error_code: Annotated[
        str | None, doc("What went wrong, such as `session_expired`; else null.", None)
    ]
    error_message: Annotated[str | None, doc("The same, for people.", None)]
    repetitions: Annotated[
        dict[str, int],
        doc("How many repetitions were completed, by event_key; others are 0.", {"squat": 12}),
    ]
    interrupted_total: Annotated[
        int, doc("Interrupted repetitions, and attempts that did not count.", 1)
    ]
    summary: Annotated[
        dict[str, MovementSummary] | None,
        doc(
            "What was counted so far, by event_key. Null where nothing is known.",
            {
                "squat": {
                    "completed": 12,
                    "attempts": {"not_reached": 1},
                    "by_side": None,
                    "measures": {
                        "joint.knee": {"best": 84.2, "mean": 91.7, "least": 84.2, "most": 174.0}
                    },
                    "longest_ms": None,
                    "total_ms": None,
                    "checks": {"depth": {"met": 10, "missed": 2}},
                    "times": TIMES_EXAMPLE,
                }
            },
        ),
    ]
    quality: Annotated[
        Quality | None,
        doc(
            "Of the frames so far. Null where nothing is known.",
            {"seen_share": 1.0, "completed_share": 0.97, "countable_share": 0.97, "reasons": []},
        ),
    ]
    parameters: Annotated[
        dict[str, float] | None, doc("The numbers that its create gave.", {"depth": 90})
    ]
    subject: Annotated[str | None, doc("The person's id, if its create gave one.", "p_4711")]
    metadata: Annotated[
        dict[str, str] | None, doc("The notes that its create gave.", EXAMPLE_METADATA)
    ]
    locale: Annotated[str | None, doc("The language that its create asked for.", "de-AT")]
    target: Annotated[Target | None, doc("The target that its create gave.", {"repetitions": 12})]
    landmarker: Annotated[
        Landmarker | None,
        doc("What found the person.", {"name": "@mediapipe/pose 0.5", "visibility": True}),
    ]
    ended_by: Annotated[
        Literal["target"] | None, doc("`target` if reaching its target ended it.", "target")
    ]


class SessionQuery(PageQuery):
    texts: ClassVar = frozenset({"subject"})

    status: OrUnset[Annotated[Status, doc("Only those in this status.", "completed")]] = UNSET
    mode: OrUnset[Annotated[Mode, doc("Only those of this mode.")]] = UNSET
    created_after: OrUnset[Moment] = UNSET
    created_before: OrUnset[Moment] = UNSET
    subject: OrUnset[Annotated[Subject, doc("Only those of this person.", "p_4711")]] = UNSET

    def __post_init__(self) -> None:
        if self.subject is not UNSET:
            require_context(subject=self.subject)


class EventQuery(Query):
    after: OrUnset[Annotated[UUID, doc("The event_id of the last one that is known.")]] = UNSET
    type: OrUnset[Annotated[EventType, doc("Only events of this type.", "event_completed")]] = UNSET
    limit: PageLimit = 100


def target_of(session: DetectionSession) -> Target | None:
    return None if session.target is None else msgspec.convert(session.target, Target)


def landmarker_of(session: DetectionSession) -> Landmarker | None:
    return session.landmarker and msgspec.convert(session.landmarker, Landmarker)


def ended_by(session: DetectionSession) -> str | None:
    """`target` for a session that was completed because it reached its target."""
    return session.ended_by if session.terminal_outcome == Outcome.COMPLETED else None


def session_response(session: DetectionSession, organization_id: UUID) -> SessionRecord:
    """A session as it is stored."""
    summary = summary_of(session)
    return from_row(
        SessionRecord,
        session,
        session_id=session.id,
        organization_id=organization_id,
        resolved_movespec_version_id=session.resolved_version_id,
        summary=counted_of(summary),
        quality=quality_of(summary),
        target=target_of(session),
        landmarker=landmarker_of(session),
        ended_by=ended_by(session),
    )
