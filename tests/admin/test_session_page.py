"""The page of a session: its facts, why it counted nothing, and its repetitions."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import detection
from detection import DetectionEvent, Engine, PoseFrame, SessionSummary
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, SessionAttach
from sessions_app.session_sweep import expire_sessions
from staff.session_page import EVENTS, ROWS, session_page
from tests.admin.counted_sessions import (
    CURL,
    HOLD,
    SQUAT,
    curls,
    events_of,
    of_older_code,
    squats,
    stored_session,
    wall_sits,
)
from tests.admin.session_rows import LIST, NOON, make_session, overdue
from tests.admin.staffing import address, do, queries_of, text_of, words
from tests.conftest import Machine, make_released
from tests.detection.engine_scene import at as poses_at
from tests.detection.engine_scene import bent, swinging

BANDS = """\
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
    "frames": 300, "usable": 290, "intervals": 299, "active_ms": 10_000.0,
    "ranges": [[80.0, 170.0]], "steps": 2, "rejected": {},
}  # fmt: skip


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    return make_released(owner.project, SQUAT)[0]


@pytest.fixture
def bands(owner: Machine) -> MoveSpec:
    return make_released(owner.project, BANDS)[0]


def session_of(movespec: MoveSpec, **columns: Any) -> DetectionSession:
    given = {"started_at": NOON, "accepted_frames_total": 300, **columns}
    return DetectionSession.objects.get(id=make_session(movespec, **given))


# --- Facts -------------------------------------------------------------------------------


def test_it_shows_the_stored_row(superuser: Client, movespec: MoveSpec) -> None:
    page = f"{LIST}{overdue(movespec, 'created')}/change/"
    assert "session_expired" not in text_of(superuser.get(page))
    expire_sessions(now=timezone.now())
    shown = words(superuser.get(page))
    assert "No runtime attached within the attach window. session_expired" in shown
    assert "Status never connected" in shown


def test_it_leads_to_project_movespec_and_version_and_escapes_texts(
    superuser: Client, movespec: MoveSpec
) -> None:
    MoveSpec.objects.update(name="<script>alert(1)</script>")
    this = session_of(
        movespec, status="failed", error_message="<script>alert(2)</script>", error_code="broke"
    )
    shown = text_of(superuser.get(address(this)))
    for name, id_ in (
        ("projects_project", movespec.project_id),
        ("movespecs_movespec", movespec.id),
        ("movespecs_movespecversion", movespec.current_released_version_id),
    ):
        assert f'href="{reverse(f"admin:{name}_change", args=[id_])}"' in shown
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(2)" in shown


def test_it_says_which_member_of_staff_cancelled_it_and_why(
    operator: Client, movespec: MoveSpec
) -> None:
    by_staff, by_customer = session_of(movespec, status="streaming"), session_of(
        movespec, status="cancelled"
    )  # fmt: skip
    do(operator, by_staff, "cancel", "It ran for a week.")
    assert "Cancelled by operators, of staff: It ran for a week." in words(
        operator.get(address(by_staff))
    )
    assert "of staff" not in words(operator.get(address(by_customer)))


def test_it_says_who_was_connected_and_how_each_connection_ended(
    support: Client, movespec: MoveSpec
) -> None:
    this = session_of(movespec)
    for number, code in ((1, 1006), (2, None)):
        SessionAttach.objects.create(
            id=uuid.uuid4(), session_id=this.id, runtime=f"vm:{number}", client="kyna-ios/4.2",
            attached_at=NOON + timedelta(seconds=number), close_code=code,
            detached_at=code and NOON + timedelta(seconds=9),
        )  # fmt: skip
    found = session_page(this)["attaches"]
    assert [(one.runtime, how) for one, how in found] == [
        ("vm:2", ""), ("vm:1", "The connection broke."),
    ]  # fmt: skip
    assert "12:00:09 kyna-ios/4.2 vm:1 1006 The connection broke." in words(
        support.get(address(this))
    )


# --- Frames, and why nothing was counted -------------------------------------------------


def reasons_of(owner: Machine, yaml_source: str, frames: Sequence[PoseFrame]) -> list[str]:
    """From frames to words."""
    engine = Engine(detection.compile(yaml_source))
    summary = SessionSummary(engine)
    counts = Counter[str]()
    for before, frame in pairwise([None, *frames]):
        assert frame is not None
        events = engine.feed(frame)
        counts.update(event.type for event in events)
        summary.accept(before and frame.timestamp_ms - before.timestamp_ms, events)
    assert not counts["event_completed"]
    this = session_of(
        make_released(owner.project, yaml_source)[0],
        accepted_frames_total=len(frames),
        summary=msgspec.to_builtins(summary.state()),
        interrupted_total=counts["event_interrupted"],
    )
    return list(session_page(this)["why"])


@pytest.mark.parametrize(
    ("yaml_source", "frames", "first"),
    [
        (BANDS, swinging((175, 125, 175), stay_ms=500), "Knee: down to 125°. bottom is up to 100°"),
        (BANDS, swinging((140, 130, 140), stay_ms=500), "Knee: up to 14"),
        (
            BANDS.replace("joint: knee,", "joint: knee, side: both,"),
            [bent(175, 175)] * 30 + [bent(175, 80)] * 30,
            "Both knees: down to 175°. bottom is up to 100°.",
        ),
        (
            BANDS.replace("joint: knee,", "joint: knee, side: front,"), [bent(175)] * 60,
            "Front knee: never measured.",
        ),
    ],
)  # fmt: skip
def test_from_frames_to_words(owner: Machine, yaml_source: str, frames: Any, first: str) -> None:
    found = reasons_of(owner, yaml_source, poses_at(frames))
    assert found[0].startswith(first), found


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({"usable": 60}, "Only 20% of the frames had a usable pose"),
        ({"active_ms": 60_000.0}, "Only 5.0 frames came a second"),
        ({"rejected": {"too_many_frames": 301}}, "More frames were rejected than accepted, most"),
        # So near to a band it has missed nothing by it.
        (
            {"ranges": [[100.4, 170.0]]},
            "A repetition reached bottom, and none reached standing, step 3 of 3.",
        ),
    ],
)
def test_the_likeliest_reason_comes_first(
    bands: MoveSpec, changed: dict[str, Any], first: str
) -> None:
    found = session_page(session_of(bands, summary=GOOD | changed))["why"]
    assert found[0].startswith(first), found


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"accepted_frames_total": 0, "rejected_frames_total": 7}, ["Every frame was rejected."]),
        ({"accepted_frames_total": 0}, ["A client attached, and no frame was accepted."]),
        ({"accepted_frames_total": 0, "started_at": None}, ["No client attached."]),
        # Earlier code stored no summary of frames.
        ({"summary": {"usable": 290}}, []),
        ({"summary": GOOD | {"ranges": [[90.0, 150.0]]}, "repetitions": {"squat": 2}}, []),
    ],
)
def test_it_says_no_more_than_is_stored(
    bands: MoveSpec, columns: dict[str, Any], why: list[str]
) -> None:
    assert session_page(session_of(bands, **columns))["why"] == why


def test_it_says_what_the_frames_showed(support: Client, bands: MoveSpec) -> None:
    summary = GOOD | {"ranges": [[118.4, 172.0]], "steps": 1, "rejected": {"too_many_frames": 7}}
    this = session_of(
        bands, summary=summary, accepted_frames_total=900, rejected_frames_total=9
    )  # fmt: skip
    assert session_page(this)["frames"] == [
        ("Frames rejected", "9", "too_many_frames: 7, not stored: 2"),
        ("Time of the frames", "10 s", "gaps over 2 s left out"),
        ("Frames with a usable pose", "97%", "of 300, of 900 accepted"),
        ("Frames a second", "29.9", ""),
        ("Knee", "118° to 172°", "bottom is up to 100°, standing is from 160°"),
        ("Farthest step", "1 of 3", "standing"),
    ]
    assert "Why nothing was counted Knee: down to 118°" in words(support.get(address(this)))


def test_a_doubted_count_says_why(bands: MoveSpec) -> None:
    # As many frames as a minute has, half of them without a pose.
    quality = {"frames": 1800, "countable": 900, "seen": 900, "pose_lost": 900}
    page = session_page(
        session_of(bands, summary=GOOD | {"quality": quality}, repetitions={"squat": 2})
    )
    assert page["why"] == [] or page["why"][0].endswith("there was no pose.")


# --- Repetitions -------------------------------------------------------------------------


def test_each_repetition_has_its_range_and_form_and_each_attempt_its_reason(
    support: Client, squat: MoveSpec
) -> None:
    this = stored_session(squat, events_of(SQUAT, squats()))
    rows = session_page(this)["repetitions"]
    assert len(rows) == 12 + 5
    columns = itemgetter("name", "took", "ranges", "form", "why")
    assert [*map(columns, rows[:3])] == [
        ("Repetition 12", "1.3 s", ["knee 85° to 175°"], "100%", ""),
        ("Repetition 11", "1.3 s", ["knee 87° to 175°"], "100%", ""),
        (
            "Attempt at 11", "", [], "",
            "A required check was missed: depth, knee at most 95° at its least at bottom, by 5.2°",
        ),
    ]  # fmt: skip
    assert rows[2]["checks"] == ["depth missed by 5.2° (100°)", "control met (100°)"]
    # A way back stands beside its repetition, though the next event has it.
    parts = [row["parts"] for row in rows if row["counts"]]
    assert parts[:2] == ["0.9 / 0.1 / - s", "0.9 / 0.1 / 0.9 s"]
    assert "Repetition 12 32.2 s 1.3 s 0.9 / 0.1 / - s knee 85° to 175° 100%" in words(
        support.get(address(this))
    )


def test_the_summary_has_the_last_way_back_and_the_share_of_each_check(squat: MoveSpec) -> None:
    events = events_of(SQUAT, squats())
    this = stored_session(squat, events)
    last = [one.payload["metrics"] for one in events if one.type == "event_completed"][-1]
    timed = {part: last[part] for part in ("times", "out_ms", "stay_ms")} | {"back_ms": 640}
    this.summary = {"frames": 1, "counted": {"squat": {
        "completed": 12, "attempts": {"poor_form": 2}, "by_side": None, "measures": {},
        "longest_ms": None, "total_ms": None, "checks": {"depth": {"met": 12, "missed": 2}},
        "times": {"mean": timed, "last": timed},
    }}}  # fmt: skip
    this.save(update_fields=["summary"])
    page = session_page(this)
    assert page["repetitions"][0]["parts"] == "0.9 / 0.1 / 0.6 s"
    [(name, facts)] = page["movements"]
    assert (name, facts) == ("squat", [
        ("Counted", "12"), ("Attempts: poor_form", "2"), ("depth", "met 12 of 14"),
        ("Out / stay / back, mean", "0.9 / 0.1 / 0.6 s"),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("yaml_source", "frames", "first"),
    [
        (CURL, curls, ("Repetition 6", "right", ["right elbow 58° to 170°"])),
        (HOLD, wall_sits, ("Hold 2", "", ["knee 95° to 96°", "lean of the trunk 0° to 0°"])),
    ],
)
def test_sides_and_holds_have_rows_of_their_own(
    owner: Machine, yaml_source: str, frames: Any, first: Any
) -> None:
    movespec, _ = make_released(owner.project, yaml_source)
    this = stored_session(movespec, events_of(yaml_source, frames()))
    row = session_page(this)["repetitions"][0]
    assert (row["name"], row["side"], row["ranges"]) == first


def test_what_older_code_has_stored_is_shown_without_what_it_did_not_know(squat: MoveSpec) -> None:
    events = of_older_code(events_of(SQUAT, squats()))
    rows = session_page(stored_session(squat, events))["repetitions"]
    assert [(row["name"], row["parts"], row["why"]) for row in rows[1:3]] == [
        ("Repetition", "", ""), ("Attempt", "", "A required check was missed"),
    ]  # fmt: skip


def test_a_movespec_that_is_not_read_any_more_leaves_the_paths(
    squat: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = stored_session(squat, events_of(SQUAT, squats()))
    monkeypatch.setattr("staff.session_page.spec_of", lambda _: None)
    row = session_page(this)["repetitions"][4]
    assert row["why"] == "Not reached: detection.movement.phases[1].criteria[0], by 1.6°"


# --- Cost --------------------------------------------------------------------------------


def add_many_events(session: DetectionSession, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload) "
            "SELECT %s, n, n, n * 40.0, 'event_completed', '{}' FROM generate_series(1, %s) n",
            [session.id, count],
        )
    DetectionSession.objects.filter(id=session.id).update(events_total=count)


def test_a_long_session_costs_no_more_than_an_empty_one(
    support: Client, movespec: MoveSpec, django_assert_num_queries: Any
) -> None:
    small, large = session_of(movespec), session_of(movespec)
    add_many_events(large, 3 * EVENTS)
    assert queries_of(support, large) == queries_of(support, small)
    with django_assert_num_queries(4) as queries:
        page = session_page(DetectionSession.objects.defer("engine_state").get(id=large.id))
    assert len(page["repetitions"]) == ROWS
    (read,) = [one["sql"] for one in queries if 'FROM "detection_event"' in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(read)
        assert cursor.rowcount == EVENTS


def test_events_of_many_attempts_are_bounded(squat: MoveSpec) -> None:
    one = next(e for e in events_of(SQUAT, squats()) if e.type == "event_completed")
    many = [
        DetectionEvent(one.type, 2000.0 * number, one.payload | {"number": number})
        for number in range(1, ROWS + 13)
    ]
    rows = session_page(stored_session(squat, many))["repetitions"]
    assert rows[0]["name"] == f"Repetition {ROWS + 12}"
    assert rows[-1]["name"] == "Repetition 13"
