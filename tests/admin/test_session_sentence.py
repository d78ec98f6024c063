"""What a session's page begins with: what happened, in plain words."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from kynaplatform import clock
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, SessionAttach
from staff.history import history_of
from tests.admin.session_rows import NOON, make_session
from tests.admin.staffing import do
from tests.admin.test_session_detections import shown, words
from tests.sessions_app.lifecycle_scene import Scene

BEGAN = {"started_at": NOON - timedelta(minutes=5)}
COUNTED = BEGAN | {"repetitions": {"squat": 12}}


@pytest.mark.parametrize(
    ("status", "columns", "told"),
    [
        ("created", {}, ["Waits for its client to connect."]),
        (
            "completed",
            COUNTED,
            ["Counted 12 repetitions in 5 min, and ended as its client asked."],
        ),
        (
            "completed",
            BEGAN,
            [
                "Counted nothing in 5 min, and ended as its client asked.",
                "Likely: The client attached, and no frame of it was taken.",
            ],
        ),
        (
            "completed",
            COUNTED | {"mode": "replay", "accepted_frames_total": 300, "summary": {
                "frames": 300, "active_ms": 1_200_000.0}},
            [
                "Counted 12 repetitions in a recording of 20 min, streamed in 5 min, and ended as "
                "its client asked."
            ],
        ),
        (
            # A recording that a client streamed as fast as it was taken.
            "completed",
            COUNTED | {"started_at": NOON - timedelta(seconds=1.4), "accepted_frames_total": 510,
                "summary": {"frames": 510, "active_ms": 17_000.0}},
            ["Counted 12 repetitions in 17 s, and ended as its client asked."],
        ),
        (
            # Of one frame no time is known.
            "completed",
            COUNTED | {"accepted_frames_total": 1, "summary": {"frames": 1, "active_ms": 0.0}},
            ["Counted 12 repetitions in 5 min, and ended as its client asked."],
        ),
        (
            "completed",
            COUNTED | {"terminal_outcome": "max_duration"},
            [
                "Counted 12 repetitions in 5 min, and ended at the longest time that a session may "
                "last."
            ],
        ),
        (
            "completed",
            COUNTED | {"error_code": "state_unreadable"},
            [
                "Counted 12 repetitions in 5 min, and ended on that: its stored state could be "
                "read no more."
            ],
        ),
        (
            "cancelled",
            {"terminal_outcome": "expired", "created_at": NOON - timedelta(minutes=5)},
            ["No client connected within 5 min, so it was cancelled."],
        ),
        (
            "failed",
            COUNTED | {"terminal_outcome": "abandoned"},
            [
                "Counted 12 repetitions in 5 min. Then its client sent nothing more, so it failed."
            ],
        ),
        (
            "cancelled",
            COUNTED | {"terminal_outcome": "suspended", "error_code": "project_suspended"},
            ["Cancelled because its project was suspended. Counted 12 repetitions in 5 min."],
        ),
        (
            "cancelled",
            BEGAN | {"events_total": 7, "repetitions": {"squat": 1}},
            ["Cancelled by its customer. Streamed for 5 min."],
        ),
        (
            "failed",
            {"error_message": "It broke."},
            ["Failed: It broke. Nothing was streamed."],
        ),
        (
            "failed",
            COUNTED | {"terminal_outcome": "abandoned", "error_message": "It sent nothing."},
            [
                "Counted 12 repetitions in 5 min. Then its client sent nothing more, so it failed.",
                "It sent nothing.",
            ],
        ),
    ],
)  # fmt: skip
def test_each_end_has_its_sentence(
    support: Client, movespec: MoveSpec, status: str, columns: dict[str, Any], told: list[str]
) -> None:
    page = shown(support, uuid.UUID(make_session(movespec, status, **columns)))
    assert page.context["happened"] == told
    assert " ".join(told) in words(page)


def test_who_of_staff_cancelled_it_is_told_with_the_reason(
    superuser: Client, support: Client, movespec: MoveSpec
) -> None:
    session = DetectionSession.objects.get(id=make_session(movespec, "created"))
    do(superuser, session, "cancel", reason="It hangs.")
    assert shown(support, session.id).context["happened"] == [
        "Cancelled by root, of staff: It hangs. Nothing was streamed."
    ]
    entry = history_of(session).get()
    entry.change_message = "Cancelled it."
    entry.save(update_fields=["change_message"])
    assert shown(support, session.id).context["happened"] == [
        "Cancelled by root, of staff. Nothing was streamed."
    ]


@pytest.mark.parametrize(
    ("days_ago", "told"), [(9, "Cancelled by its customer."), (11, "Cancelled.")]
)
def test_its_customer_is_named_only_while_the_log_would_know_of_staff(
    support: Client, movespec: MoveSpec, settings: Any, days_ago: int, told: str
) -> None:
    settings.STAFF_LOG_RETENTION_DAYS = 10
    ended_at = clock.now() - timedelta(days=days_ago)
    page = shown(support, uuid.UUID(make_session(movespec, "cancelled", ended_at=ended_at)))
    assert page.context["happened"] == [f"{told} Nothing was streamed."]


def test_a_client_that_closed_is_told_from_a_session_that_was_over(
    support: Client, scene: Scene
) -> None:
    session_id, first = scene.streaming()
    scene.detach(session_id, first, 3)
    second = scene.attach(session_id, 5)
    scene.finalize(session_id, 6)
    scene.finish(session_id, second, 7)
    scene.detach(session_id, second, 7)
    assert SessionAttach.objects.filter(close_code=1000).count() == 2
    told = [attach.how for attach in shown(support, session_id).context["attaches"]]
    assert told == ["The session was over.", "The client closed the connection."]


def test_what_was_counted_in_all_is_told_with_why_tries_did_not_count(
    support: Client, scene: Scene
) -> None:
    """Of the stored summary, which goes beyond the events that are drawn."""
    counted = {
        "squat": {
            "completed": 40, "attempts": {"too_slow": 1, "not_reached": 3},
            "by_side": {"left": 22, "right": 18}, "measures": {}, "longest_ms": None,
            "total_ms": None,
        }
    }  # fmt: skip
    session_id, _ = scene.streaming()
    done = {"sequence": 1, "frame_seq": 1, "ts_ms": 1.0, "type": "event_completed"}
    DetectionSession.objects.get(id=session_id).events.create(
        **done, payload={"event_key": "squat", "score": None}
    )
    DetectionSession.objects.filter(id=session_id).update(
        events_total=1, summary={"frames": 10, "counted": counted}
    )
    assert (
        "squat, in all: 40 counted (left 22, right 18). Did not count: not reached 3\u00d7 "
        "not_reached , too slow 1\u00d7 too_slow ." in words(shown(support, session_id))
    )


def test_the_words_of_the_api_stand_behind_plain_ones(support: Client, movespec: MoveSpec) -> None:
    page = shown(
        support, uuid.UUID(make_session(movespec, "cancelled", terminal_outcome="expired"))
    )
    text = words(page)
    assert 'title="cancelled: expired">never connected<' in page.content.decode()
    for label in ("may stream until (longest_until)", "version of the API (contract_major)"):
        assert label in text.replace("May", "may").replace("Version", "version")
    for riddle in ("Runtime", "Contract major", "Longest until"):
        assert riddle not in text
