"""What a session's page says of how much could be counted."""

import uuid
from typing import Any

import pytest
from django.test import Client

from movespecs.models import MoveSpec
from sessions_app.quality import QualityReason
from staff.session_quality import WORDS
from tests.admin.session_rows import make_session
from tests.admin.test_session_detections import shown, words
from tests.admin.test_session_summary import GOOD, SQUAT
from tests.conftest import make_released
from tests.sessions_app.lifecycle_scene import Scene, at

SEEN = {
    "time_ms": 10_000.0,
    "unseen_ms": {},
    "moved": 16_000,
    "uncounted": 0,
    "counted": 16_000,
    "completions": 10,
    "paths": [[1, 1700, 900, 0, 9_999, -1]],
}


@pytest.fixture
def squat(scene: Scene) -> MoveSpec:
    return make_released(scene.machine.project, SQUAT)[0]


def page(superuser: Client, squat: MoveSpec, quality: dict[str, Any], counted: int = 10) -> str:
    id_ = make_session(
        squat,
        "completed",
        started_at=at(0),
        accepted_frames_total=300,
        repetitions={"squat": counted} if counted else {},
        summary=GOOD | ({"quality": quality} if quality else {}),
    )
    return words(shown(superuser, uuid.UUID(id_)))


def test_it_says_how_much_could_be_counted(superuser: Client, squat: MoveSpec) -> None:
    text = page(superuser, squat, SEEN)
    assert "Could be counted 100% the count is doubted below 87%" in text
    assert "of the time" not in text


def test_where_the_count_is_doubted_it_says_why(superuser: Client, squat: MoveSpec) -> None:
    text = page(superuser, squat, SEEN | {"unseen_ms": {"pose_lost": 3000}, "uncounted": 3200})
    assert "Could be counted 63% the count is doubted below 87%" in text
    assert f"30% {WORDS[QualityReason.POSE_LOST]}" in text
    assert f"10% {WORDS[QualityReason.INCOMPLETE_MOVEMENTS]}" in text


def test_where_nothing_was_counted_what_is_said_of_the_movement_comes_alone(
    superuser: Client, squat: MoveSpec
) -> None:
    nothing = {"completions": 0, "counted": 0, "uncounted": 0, "moved": 0}
    text = page(superuser, squat, SEEN | nothing | {"paths": [[1, 1700, 900, 9000, 900, 1700]]}, 0)
    assert "Could be counted 9%" in text
    assert "completed no repetition" not in text


def test_of_a_summary_of_earlier_code_nothing_is_said(superuser: Client, squat: MoveSpec) -> None:
    assert "Could be counted" not in page(superuser, squat, {})


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(QualityReason)
