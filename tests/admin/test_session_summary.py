"""What a session's page says of its frames, and why nothing was counted."""

import uuid
from typing import Any

import pytest
from django.test import Client

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecVersion
from realtime.frames import RejectReason
from sessions_app.models import DetectionSession
from staff.session_summary import REJECTED, frames_shown
from tests.admin.session_rows import make_session
from tests.admin.test_session_detections import shown, words
from tests.conftest import make_released
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
        criteria: [{joint: knee, angle_min: 160}, {lean: upper_arm, angle_max: 40}]
      - {name: bottom, criteria: [{joint: knee, angle_max: 100}]}
    sequence: [standing, bottom, standing]
"""
GOOD = {"usable": 290, "active_ms": 10_000.0, "ranges": [[80.0, 170.0]], "steps": 2, "rejected": {}}


@pytest.fixture
def squat(scene: Scene) -> MoveSpec:
    return make_released(scene.machine.project, SQUAT)[0]


def reasons(squat: MoveSpec, accepted: int = 300, **changed: Any) -> list[str]:
    columns = {"started_at": at(0), "accepted_frames_total": accepted, "summary": GOOD | changed}
    id_ = make_session(squat, "completed", **columns)
    found: list[str] = frames_shown(DetectionSession.objects.get(id=id_))["why"]
    return found


def test_every_reason_has_words() -> None:
    assert set(REJECTED) == {reason.value for reason in RejectReason}


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        (
            {"ranges": [[118.4, 172.0]]},
            "The knee was never below 118°: bottom is up to 100°.",
        ),
        (
            {"ranges": [[60.0, 131.0]]},
            "The knee was never above 131°: standing is from 160°.",
        ),
        (
            {"ranges": [[None, None]]},
            "The knee was never measured: it was hidden, or out of the picture.",
        ),
        (
            {"usable": 60},
            "Only 20% of the frames had a usable pose: the person was out of the picture, or what "
            "the MoveSpec measures was hidden.",
        ),
        (
            {"active_ms": 60_000.0},
            "Only 5.0 frames came for a second of movement: a phase may lie between two of them.",
        ),
        (
            {"rejected": {"too_many_frames": 301, "malformed_frame": 2}},
            "Most frames were rejected, most of them because they were too many for a second of "
            "their timestamps.",
        ),
        (
            {"steps": 2},
            "A repetition came to bottom, step 2 of 3, and not to standing after it.",
        ),
        (
            {"steps": 0},
            "What carries the movement came into its bands. The phases ask for more, which may "
            "not have held: upper arm 0° to 40° in standing.",
        ),
    ],
)
def test_the_likeliest_reason_comes_first(
    squat: MoveSpec, changed: dict[str, Any], first: str
) -> None:
    assert reasons(squat, **changed)[0] == first


def test_frames_that_were_all_rejected_are_told(squat: MoveSpec) -> None:
    rejected = {"image_landmarks": 40, "frame_seq_not_increasing": 400}
    assert reasons(squat, accepted=0, usable=0, active_ms=0.0, ranges=[], rejected=rejected) == [
        "Every frame was rejected, most of them because they had image landmarks instead of world "
        "landmarks."
    ]


def test_where_repetitions_were_counted_nothing_is_said_of_bands(squat: MoveSpec) -> None:
    columns = {"accepted_frames_total": 300, "repetitions": {"squat": 2}}
    id_ = make_session(squat, "completed", summary=GOOD | {"ranges": [[90.0, 150.0]]}, **columns)
    assert frames_shown(DetectionSession.objects.get(id=id_))["why"] == []


def test_its_page_says_what_the_frames_showed(superuser: Client, squat: MoveSpec) -> None:
    summary = GOOD | {"ranges": [[118.4, 172.0]], "steps": 1, "rejected": {"too_many_frames": 7}}
    columns = {"started_at": at(0), "accepted_frames_total": 300, "summary": summary}
    id_ = make_session(squat, "completed", **columns)
    text = words(shown(superuser, uuid.UUID(id_)))
    assert "Why nothing was counted The knee was never below 118°" in text
    assert "Frames with a usable pose 97% of 300" in text
    assert "Frames a second 29.9" in text
    assert "Knee 118° to 172° bottom up to 100°, standing from 160°" in text
    assert "Farthest step 1 of 3 standing" in text
    assert "Rejected: too many frames 7" in text


def test_a_live_session_is_told_as_its_last_batch_left_it(
    superuser: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(1))
    session_id, attachment_id = scene.streaming()
    state = '{"summary": {"usable": 1, "active_ms": 0, "ranges": [], "steps": 0, "rejected": {}}}'
    scene.checkpoint(session_id, attachment_id, 1, 1, engine_state=state)
    assert "Frames with a usable pose 10% of 10" in words(shown(superuser, session_id))


@pytest.mark.parametrize(
    ("is_attached", "told"),
    [(False, "No client attached."), (True, "The client attached and sent no frames.")],
)
def test_a_session_without_a_frame_says_so(
    superuser: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch, is_attached: bool, told: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(1))
    session_id = scene.streaming()[0] if is_attached else scene.created()
    assert f"Why nothing was counted {told}" in words(shown(superuser, session_id))


def test_of_frames_that_earlier_code_took_nothing_is_said(
    superuser: Client, squat: MoveSpec
) -> None:
    id_ = make_session(squat, "completed", started_at=at(0), accepted_frames_total=300)
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
