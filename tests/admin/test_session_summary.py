"""What a session's page says of its frames, and why nothing was counted."""

import uuid
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from django.test import Client

import detection
from detection import Engine, PoseFrame
from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecVersion
from realtime.frames import RejectReason
from realtime.session_summary import SessionSummary
from sessions_app.models import DetectionSession
from staff.session_rejections import REASONS, Rejection
from staff.session_summary import frames_shown
from tests.admin.session_rows import make_session
from tests.admin.test_session_detections import shown, words
from tests.conftest import make_released
from tests.detection.engine_scene import at as poses_at
from tests.detection.engine_scene import bent, swinging
from tests.sessions_app.lifecycle_scene import Scene, at

SQUAT = """\
name: squat
version: "1"
detection:
  type: repetition
  movement:
    name: squat
    phases:
      - name: standing
        criteria: [{joint: knee, angle_min: 160}]
      - {name: bottom, criteria: [{joint: knee, angle_max: 100}]}
    sequence: [standing, bottom, standing]
"""
GOOD = {
    "frames": 300,
    "usable": 290,
    "intervals": 299,
    "active_ms": 10_000.0,
    "ranges": [[80.0, 170.0]],
    "steps": 2,
    "rejected": {},
}


@pytest.fixture
def squat(scene: Scene) -> MoveSpec:
    return make_released(scene.machine.project, SQUAT)[0]


def page_of(squat: MoveSpec, accepted: int = 300, **columns: Any) -> dict[str, Any]:
    columns = {"started_at": at(0), "accepted_frames_total": accepted, **columns}
    id_ = make_session(squat, "completed", **columns)
    return frames_shown(DetectionSession.objects.get(id=id_))


def reasons(squat: MoveSpec, accepted: int = 300, **changed: Any) -> list[str]:
    found: list[str] = page_of(squat, accepted, summary=GOOD | changed)["why"]
    return found


def reasons_of(squat: MoveSpec, yaml_source: str, frames: Sequence[PoseFrame]) -> list[str]:
    """From frames to words."""
    engine, summary = Engine(detection.compile(yaml_source)), SessionSummary()
    counts = Counter[str]()
    for before, frame in pairwise([None, *frames]):
        assert frame is not None
        events = engine.feed(frame)
        counts.update(event.type for event in events)
        since_ms = before and frame.timestamp_ms - before.timestamp_ms
        summary.accept(engine, since_ms, events)
    assert not counts["event_completed"]
    released, _ = make_released(squat.project, yaml_source, name="Another")
    state = msgspec.to_builtins(summary.state())
    interrupted = counts["event_interrupted"]
    found = page_of(released, len(frames), summary=state, interrupted_total=interrupted)
    return list(found["why"])


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        ((175, 125, 175), "The knee was never below 125°: bottom is up to 100°."),
        ((175, 80, 120, 80), "A repetition came to bottom, and none to standing, step 3 of 3."),
        ((140, 130, 140), "The knee was never above 14"),
    ],
)
def test_from_frames_to_words(squat: MoveSpec, turns: Sequence[float], told: str) -> None:
    (first, *_) = reasons_of(squat, SQUAT, poses_at(swinging(turns, stay_ms=500)))
    assert first.startswith(told), first


def test_a_gate_that_fails_is_named_where_the_bands_were_reached(squat: MoveSpec) -> None:
    """Whoever swings by the whole gap is judged by that, and the knee is not to blame."""
    gate = SQUAT.replace("angle_max: 100}]", "angle_max: 100}, {lean: trunk, angle_min: 70}]")
    assert reasons_of(squat, gate, poses_at(swinging((175, 80, 175, 80, 175)))) == [
        "A repetition came to standing, and none to bottom, step 2 of 3.",
        "bottom asks for trunk 70° to 180° too, which may not have held.",
        "2 attempts did not count: the table of repetitions says why.",
    ]


def test_of_two_sides_the_one_that_the_phase_asks_for_is_told(squat: MoveSpec) -> None:
    both = SQUAT.replace("joint: knee,", "joint: knee, side: both,")
    legs = [bent(175, 175)] * 30 + [bent(175, 80)] * 30
    assert reasons_of(squat, both, poses_at(legs)) == [
        "The knees were never both below 175°: bottom is up to 100°."
    ]
    front = SQUAT.replace("joint: knee,", "joint: knee, side: front,")
    assert reasons_of(squat, front, poses_at([bent(175)] * 60)) == [
        "It was never clear which side is in front, and so which knee."
    ]


def test_every_reason_has_words() -> None:
    assert set(REASONS) == {reason.value for reason in RejectReason}


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        (
            {"steps": 1, "ranges": [[118.4, 172.0]]},
            "The knee was never below 118°: bottom is up to 100°.",
        ),
        (
            {"steps": 1, "ranges": [[None, None]]},
            "Knee was never measured: hidden, or out of the picture.",
        ),
        (
            {"usable": 60},
            "Only 20% of the frames had a usable pose: what the MoveSpec measures was hidden or "
            "out of the picture, or the landmarks jumped.",
        ),
        (
            {"active_ms": 60_000.0},
            "Only 5.0 frames came for a second of movement: a phase may lie between two of them.",
        ),
        ({"active_ms": 0.0, "intervals": 0}, "The frames came more than 2 s apart."),
        (
            {"rejected": {"too_many_frames": 301, "malformed_frame": 2}},
            "More frames were rejected than taken, most because they were too many for a second "
            "of their timestamps.",
        ),
        (
            {"repeated": 301},
            "301 frames had numbers that were taken: they were sent again, or numbered from 1 "
            "after an attach.",
        ),
        (
            {"steps": 2, "ranges": [[100.4, 170.0]]},
            "A repetition came to bottom, and none to standing, step 3 of 3.",
        ),
        ({"steps": 0, "ranges": [[120.0, 170.0]]}, "Nobody came to standing, step 1 of 3."),
    ],
)
def test_the_likeliest_reason_comes_first(
    squat: MoveSpec, changed: dict[str, Any], first: str
) -> None:
    assert reasons(squat, **changed)[0] == first


def test_repetitions_that_were_broken_off_are_told(squat: MoveSpec) -> None:
    told = page_of(squat, summary=GOOD, interrupted_total=3)["why"]
    assert told[-1] == "3 attempts did not count: the table of repetitions says why."


def test_frames_that_were_all_rejected_are_told(squat: MoveSpec) -> None:
    nothing = {"frames": 0, "usable": 0, "intervals": 0, "active_ms": 0.0, "ranges": []}
    assert reasons(squat, 0, **nothing, rejected={"image_landmarks": 40, "a_new_one": 39}) == [
        "Every frame was rejected, most because they had image landmarks instead of world "
        "landmarks."
    ]
    assert reasons(squat, 0, **nothing, rejected={"a_new_one": 1}) == [
        "Every frame was rejected, most because a new one."
    ]


def test_of_earlier_code_it_is_known_only_that_all_were_rejected(squat: MoveSpec) -> None:
    told = page_of(squat, 0, rejected_frames_total=7)
    assert (told["shown"], told["why"]) == ([], ["Every frame was rejected."])
    assert told["rejections"] == [Rejection(7, "The reason was not stored.")]


def test_frames_that_earlier_code_took_are_not_among_the_shares(squat: MoveSpec) -> None:
    told = page_of(squat, accepted=900, summary=GOOD)
    assert told["shown"][:2] == [
        ("Summed up", "300 of 900 frames", ""),
        ("Frames with a usable pose", "97% of 300", ""),
    ]


def test_where_repetitions_were_counted_nothing_is_said_of_bands(squat: MoveSpec) -> None:
    summary = GOOD | {"ranges": [[90.0, 150.0]]}
    assert page_of(squat, summary=summary, repetitions={"squat": 2})["why"] == []


def test_its_page_says_what_the_frames_showed(superuser: Client, squat: MoveSpec) -> None:
    summary = GOOD | {"ranges": [[118.4, 172.0]], "steps": 1, "rejected": {"too_many_frames": 7}}
    columns = {"started_at": at(0), "accepted_frames_total": 300, "summary": summary}
    id_ = make_session(squat, "completed", **columns)
    text = words(shown(superuser, uuid.UUID(id_)))
    assert "Why nothing was counted The knee was never below 118°" in text
    assert "Frames with a usable pose 97% of 300" in text
    assert "Frames a second 29.9" in text
    assert "Knee 118° to 172° bottom is up to 100°, standing is from 160°" in text
    assert "Farthest step 1 of 3 standing" in text
    told = "7: They were too many for a second of their timestamps. too_many_frames"
    assert f"Frames that were not taken {told}" in text


def test_a_live_session_is_told_as_its_last_batch_left_it(
    superuser: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(1))
    session_id, attachment_id = scene.streaming()
    scene.checkpoint(session_id, attachment_id, 1, 1, summary={"frames": 10, "usable": 1})
    assert "Frames with a usable pose 10% of 10" in words(shown(superuser, session_id))


@pytest.mark.parametrize(
    ("is_attached", "told"),
    [
        (False, "No client has attached yet."),
        (True, "The client attached, and no frame of it was taken."),
    ],
)
def test_a_session_without_a_frame_says_so(
    superuser: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch, is_attached: bool, told: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(1))
    session_id = scene.streaming()[0] if is_attached else scene.created()
    assert f"Why nothing was counted {told}" in words(shown(superuser, session_id))


@pytest.mark.parametrize("summary", [None, {"usable": 290, "rejected": {"malformed_frame": 1}}])
def test_of_frames_that_earlier_code_took_nothing_is_said(
    superuser: Client, squat: MoveSpec, summary: dict[str, Any] | None
) -> None:
    columns = {"started_at": at(0), "accepted_frames_total": 300, "summary": summary}
    id_ = make_session(squat, "completed", **columns)
    assert "What the frames showed" not in words(shown(superuser, uuid.UUID(id_)))


def test_of_a_movespec_that_can_not_be_read_any_more_the_figures_are_told(
    superuser: Client, squat: MoveSpec
) -> None:
    unknown = MoveSpecVersion.objects.create(
        movespec=squat,
        version_number=2,
        yaml_source="name: squat",
        content_hash="0" * 64,
        created_at=at(0),
    )
    columns = {"started_at": at(0), "accepted_frames_total": 300, "summary": GOOD}
    id_ = make_session(squat, "completed", **columns, resolved_version_id=unknown.id)
    text = words(shown(superuser, uuid.UUID(id_)))
    assert "Frames with a usable pose 97% of 300" in text
    assert "Why nothing was counted" not in text
