"""The data of the staff guide's pictures: two customers, their MoveSpecs, and a day of sessions."""

import math
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from uuid_utils.compat import uuid7

from detection import Engine
from detection import compile as compile_movespec
from local_stack.environment import PROJECT
from movespecs.authors import PLATFORM, Author
from movespecs.drafts import draft_replace, movespec_create
from movespecs.models import MoveSpec, Visibility
from movespecs.releases import version_create, version_release
from poses.figure import perform
from projects.credentials import credential_issue
from projects.models import CredentialKind, Organization, Project
from projects.suspension import suspend
from realtime.session_summary import SessionSummary
from sessions_app.event_counters import store_counts_anew
from sessions_app.models import (
    DetectionEvent,
    DetectionSession,
    Mode,
    Outcome,
    SessionAttach,
    Status,
)
from tools.guide_webhooks import make_webhooks

PASSWORD = "only for the pictures of the guide"  # noqa: S105 - of a database that is thrown away
STAFF = {"grace": "release managers", "alan": "operators", "sue": "support"}
EXAMPLES = PROJECT / "examples" / "movespecs"


def make_guide_data(now: datetime) -> MoveSpec:
    """Fill an empty platform. Returns the MoveSpec that the guide is about.

    Its version 1 was released by the platform and 2 by grace; 3 waits.
    """
    for username, role in STAFF.items():
        user = User.objects.create_user(username, password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
    riverside = Organization.objects.create(name="Riverside Physio")
    clinic = Project.objects.create(organization=riverside, name="Clinic tablets", rate_limit=300)
    home = Project.objects.create(organization=riverside, name="Home exercises")
    gym = Organization.objects.create(name="Old Mill Gym")
    floor = Project.objects.create(organization=gym, name="Training floor")
    credential_issue(
        project=clinic,
        kind=CredentialKind.API_KEY,
        name="Tablets of ward 3",
        expires_at=now + timedelta(days=9),
    )
    credential_issue(project=home, kind=CredentialKind.SERVICE_ACCOUNT, name="Nightly import")
    squat = _squat(clinic, now)
    lunge = movespec_create(
        project_id=floor.id,
        name="Lunge for everyone",
        description="A public lunge.",
        author=PLATFORM,
        now=now - timedelta(days=30),
        yaml_source=(EXAMPLES / "lunge.yaml").read_text(),
        visibility=Visibility.PUBLIC,
    )
    _release_draft(lunge, PLATFORM, now - timedelta(days=30))
    _day_of_sessions(clinic, squat, now)
    make_webhooks(clinic, now)
    suspend(gym, now=now - timedelta(hours=5))
    return squat


def _squat(project: Project, now: datetime) -> MoveSpec:
    text = (EXAMPLES / "squat.yaml").read_text()
    deeper = text.replace("depth: {default: 110", "depth: {default: 100")
    # Knees and hips that are nearly straight already: no angle sets the phases apart.
    warned = deeper.replace("joint: knee, angle_max: $depth", "joint: knee, angle_max: 155")
    warned = warned.replace("joint: hip, angle_max: 110", "joint: hip, angle_max: 155")
    warned = warned.replace("Good depth", "Well done")
    grace = Author(staff_id=User.objects.get(username="grace").pk)
    first, second = now - timedelta(days=20), now - timedelta(days=6)
    third = now - timedelta(hours=2)
    squat = movespec_create(
        project_id=project.id,
        name="Squat after surgery",
        description="Counts squats of patients who recover from knee surgery.",
        author=PLATFORM,
        now=first,
        yaml_source=text,
    )
    _release_draft(squat, PLATFORM, first)
    draft_replace(movespec_id=squat.id, yaml_source=deeper, author=PLATFORM, now=second)
    _release_draft(squat, grace, second, "The clinic asked for a deeper squat.")
    draft_replace(movespec_id=squat.id, yaml_source=warned, author=PLATFORM, now=third)
    version_create(movespec_id=squat.id, author=PLATFORM, now=third)
    squat.refresh_from_db()
    return squat


def _release_draft(movespec: MoveSpec, author: Author, now: datetime, reason: str = "") -> None:
    version, _ = version_create(movespec_id=movespec.id, author=author, now=now)
    version_release(
        movespec_id=movespec.id, version_id=version.id, author=author, now=now, reason=reason
    )


def _day_of_sessions(project: Project, movespec: MoveSpec, now: datetime) -> None:
    """Make sessions: more by day than by night, a few failed and abandoned, and some live."""
    released = movespec.current_released_version
    signed_by = uuid.uuid4()
    sessions = []

    def add(created_at: datetime, status: Status, **more: object) -> None:
        sessions.append(
            DetectionSession(
                id=_id_of(created_at),
                project=project,
                resolved_version=released,
                mode=Mode.LIVE,
                contract_major=1,
                status=status,
                created_at=created_at,
                signing_key_id=signed_by,
                runtime_token_expires_at=created_at + timedelta(hours=2),
                stream_url="wss://stream.example.com/",
                **more,
            )
        )

    for minute in range(30, 24 * 60, 4):
        created_at = now - timedelta(minutes=minute)
        busy = 2.2 + 2 * math.sin((created_at.hour + created_at.minute / 60 - 8) * math.pi / 12)
        for number in range(round(busy)):
            moment = created_at + timedelta(seconds=37 * number)
            ended_at = moment + timedelta(minutes=6, seconds=minute % 50)
            outcome = {0: Outcome.FAILED, 1: Outcome.ABANDONED}.get(
                minute % 120 // 4 - 7, Outcome.COMPLETED
            )
            failed = outcome is not Outcome.COMPLETED
            # One in 13 counts nothing.
            counted = 0 if failed or minute % 52 == 42 else minute % 11 + 4
            add(
                moment,
                Status.FAILED if failed else Status.COMPLETED,
                terminal_outcome=outcome,
                error_code="session_abandoned" if outcome is Outcome.ABANDONED else None,
                started_at=moment + timedelta(seconds=4),
                ended_at=ended_at,
                accepted_frames_total=minute % 50 * 31 + 5000,
                repetitions={"squat": counted} if counted else {},
            )
    detected, summary = _detect_squats(released.yaml_source) if released else ([], {})
    for minute in range(7):
        add(
            now - timedelta(minutes=minute, seconds=20),
            Status.STREAMING,
            started_at=now - timedelta(minutes=minute, seconds=14),
            deadline_at=now + timedelta(hours=1),
            longest_until=now + timedelta(hours=1),
            attachment_id=uuid.uuid4(),
            lease_until=now + timedelta(hours=1),
            accepted_frames_total=minute * 1800,
            rejected_frames_total=minute * 3,
            last_frame_seq=minute * 1803,
            last_batch_seq=minute * 121,
            checkpoint_number=minute * 119,
            events_total=len(detected) if minute else 0,
            summary={
                **summary,
                "frames": minute * 1800,
                "usable": minute * 1764,
                "intervals": max(minute * 1800 - 1, 0),
                "active_ms": minute * 60_000.0,
            },
        )
    for second in (5, 40):
        add(
            now - timedelta(seconds=second),
            Status.CREATED,
            deadline_at=now + timedelta(hours=1),
        )
    DetectionSession.objects.bulk_create(sessions)
    attaches: list[SessionAttach] = []
    events: list[DetectionEvent] = []
    for session in sessions:
        if session.events_total and session.started_at and session.attachment_id:
            attaches += _two_attaches(session, session.started_at, session.attachment_id)
            events += [
                DetectionEvent(session=session, sequence=number, **event)
                for number, event in enumerate(detected, start=1)
            ]
    SessionAttach.objects.bulk_create(attaches)
    DetectionEvent.objects.bulk_create(events)
    for session in sessions:
        if session.events_total:
            store_counts_anew(session)


def _id_of(created_at: datetime) -> uuid.UUID:
    """An id that begins with that time, as one had that was made then."""
    milliseconds = int(created_at.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | uuid7().int & (1 << 80) - 1)


def _detect_squats(yaml_source: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The events of a patient who squats, and leaves the picture midway for three seconds.

    With the summary of his frames.
    """
    engine, summary = Engine(compile_movespec(yaml_source)), SessionSummary()
    events = []
    before_ms: float | None = None
    for frame_seq, frame in enumerate(perform("squat", repetitions=9, fps=30), start=1):
        now_ms = frame.timestamp_ms
        if 10_000 < now_ms < 13_000:
            continue
        detected = engine.feed(frame)
        events += [
            {"frame_seq": frame_seq, "ts_ms": one.ts_ms, "type": one.type, "payload": one.payload}
            for one in detected
        ]
        summary.accept(engine, before_ms and now_ms - before_ms, detected)
        before_ms = now_ms
    return events, summary.state()


def _two_attaches(
    session: DetectionSession, started_at: datetime, attachment_id: uuid.UUID
) -> list[SessionAttach]:
    """Two attaches: the first one's connection broke, and the client attached again."""
    broke_at = started_at + timedelta(seconds=11)
    first = SessionAttach(id=uuid.uuid4(), attached_at=started_at, detached_at=broke_at)
    second = SessionAttach(id=attachment_id, attached_at=broke_at + timedelta(seconds=2))
    first.close_code = 1006
    for attach in (first, second):
        attach.session, attach.runtime = session, "stream-1:31"
        attach.client = "Clinic/2.1 (iPad; iOS 26.1)"
    return [first, second]
