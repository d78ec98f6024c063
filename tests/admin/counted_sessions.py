"""Sessions whose events a real engine told, of repetitions, attempts, holds and sides."""

from collections.abc import Iterable, Sequence
from typing import Any

import detection
from detection import DetectionEvent, PoseFrame
from dev.poses.figure import Limb, Posture, landmarks
from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent as StoredEvent
from sessions_app.models import DetectionSession
from tests.admin.session_rows import make_session
from tests.detection.engine_scene import Pose, at, bent, held, run, swinging

SQUAT = """\
name: squat
version: "1"
detection:
  type: repetition
  movement:
    name: squat
    throughout: [{lean: trunk, max: 60}]
    phases:
      - {name: standing, criteria: [{joint: knee, min: 150}]}
      - {name: bottom, criteria: [{joint: knee, max: 110}]}
    sequence: [standing, {phase: bottom, within_ms: 4000}, standing]
    checks:
      - {name: depth, when: bottom, joint: knee, least: {max: 95}, required: true}
      - {name: control, when: bottom, joint: knee, least: {min: 70}}
    feedback:
      - {when: completed, message: Good depth.}
"""
# Twelve that count, one of them too deep for control; three turned back and two were not deep.
SQUATS = [
    175, 85, 175, 82, 174, 125, 176, 80, 175, 65, 175, 84, 173, 130, 175, 88, 175, 102, 175, 86,
    176, 83, 175, 81, 174, 120, 175, 90, 175, 100, 175, 87, 175, 85, 175,
]  # fmt: skip
HOLD = """\
name: wall sit
version: "1"
detection:
  type: hold
  movement:
    name: wall sit
    target_ms: 3000
    phases:
      - {name: sitting, criteria: [{joint: knee, min: 80, max: 110}, {lean: trunk, max: 30}]}
"""
CURL = """\
name: curl
version: "1"
detection:
  type: repetition
  movement:
    name: curl
    count: each_side
    phases:
      - {name: long, criteria: [{joint: elbow, min: 140}]}
      - {name: curled, criteria: [{joint: elbow, max: 70}]}
    sequence: [long, curled, long]
"""


def squats() -> list[PoseFrame]:
    return at(swinging(SQUATS, stay_ms=400))


def wall_sits() -> list[PoseFrame]:
    """One that lasts, one that is let go, and one that lasts."""
    low, up = bent(95), bent(175)
    return held((up, 500), (low, 5000), (up, 1500), (low, 1800), (up, 1500), (low, 3500), (up, 900))


def curls() -> list[PoseFrame]:
    """Left and right in turn, three each, and a left one that is turned back."""
    poses: list[Pose] = []
    for left, right in [(50, 0), (0, 45), (55, 0), (0, 60), (115, 0), (52, 0), (0, 50)]:
        poses += _curled(left, right)
    return at(poses)


def _curled(left: float, right: float) -> Iterable[Pose]:
    """From long to these angles and back; 0 keeps an arm long."""
    for number in range(61):
        share = 1 - abs(number - 30) / 30
        yield landmarks(
            Posture(
                left_arm=Limb(0, share * (170 - left) + 10 if left else 10),
                right_arm=Limb(0, share * (170 - right) + 10 if right else 10),
            ),
            0,
        )


def events_of(yaml_source: str, frames: Sequence[PoseFrame]) -> list[DetectionEvent]:
    return run(detection.compile(yaml_source), frames)


def stored_session(
    movespec: MoveSpec, events: Sequence[DetectionEvent], **columns: Any
) -> DetectionSession:
    """A session that has ended with these events."""
    completed = [one.payload["event_key"] for one in events if one.type == "event_completed"]
    session_id = make_session(
        movespec,
        events_total=len(events),
        counted_events_total=len(events),
        repetitions={key: completed.count(key) for key in completed},
        interrupted_total=sum(one.type == "event_interrupted" for one in events),
        **columns,
    )
    StoredEvent.objects.bulk_create(
        StoredEvent(
            session_id=session_id,
            sequence=number,
            frame_seq=round(event.ts_ms * 30 / 1000) + 1,
            ts_ms=event.ts_ms,
            type=event.type,
            payload=event.payload,
        )
        for number, event in enumerate(events, start=1)
    )
    return DetectionSession.objects.get(id=session_id)


def of_older_code(events: Iterable[DetectionEvent]) -> list[DetectionEvent]:
    """These events as code stored them that knew neither numbers nor metrics."""
    kept = {
        "event_completed": ("event_key", "score"),
        "event_interrupted": ("reason",),
        "feedback": ("level", "message"),
    }
    return [
        DetectionEvent(
            event.type,
            event.ts_ms,
            {
                name: value
                for name, value in event.payload.items()
                if name in kept.get(event.type, ("shape_key", "confidence"))
            },
        )
        for event in events
        # There were no attempts of who had not begun.
        if event.type != "event_interrupted" or event.payload["number"] is not None
    ]
