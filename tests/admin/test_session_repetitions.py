"""The table of a session's repetitions and attempts, and the chart of each measure."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from detection import DetectionEvent
from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent as StoredEvent
from sessions_app.models import DetectionSession
from staff.session_measures import DRAWN, HEIGHT, WIDTH, MeasureChart
from staff.session_repetitions import ROWS, Table
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
from tests.admin.test_session_detections import shown, words
from tests.conftest import Machine, make_released


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    return make_released(owner.project, SQUAT)[0]


def page_of(client: Client, session: DetectionSession) -> Any:
    return shown(client, session.id)


def table_of(page: Any) -> Table:
    found: Table = page.context["repetitions"]
    return found


def chart_of(page: Any) -> MeasureChart:
    (found,) = page.context["measures"]
    chart: MeasureChart = found
    return chart


def lines(page: Any) -> list[tuple[object, ...]]:
    return [
        (row.name, row.side, row.took, [str(one) for one in row.ranges], row.form, row.why)
        for row in table_of(page).rows
    ]


def add_summary(session: DetectionSession, **columns: object) -> None:
    """Store what the engine's summary says of the squats."""
    counted = {
        "completed": 12, "attempts": {}, "by_side": None, "measures": {}, "longest_ms": None,
        "total_ms": None, **columns,
    }  # fmt: skip
    DetectionSession.objects.filter(id=session.id).update(
        summary={"frames": 1, "counted": {"squat": counted}}
    )


# --- The table ---------------------------------------------------------------------------


def test_each_repetition_has_its_time_range_and_form_and_each_attempt_its_reason(
    support: Client, squat: MoveSpec
) -> None:
    page = page_of(support, stored_session(squat, events_of(SQUAT, squats())))
    told = lines(page)
    assert len(told) == 12 + 5
    assert told[:5] == [
        ("Repetition 12", "", "1.3 s", ["knee 85° to 175°"], "100%", ""),
        ("Repetition 11", "", "1.3 s", ["knee 87° to 175°"], "100%", ""),
        (
            "Attempt at 11", "", "", [], "",
            "A required check was missed: depth, knee at most 95° at its least at bottom, by 5.2°",
        ),
        ("Repetition 10", "", "1.2 s", ["knee 90° to 175°"], "100%", ""),
        ("Attempt", "", "", [], "", "Not reached: knee on the way to bottom, 1.6° short"),
    ]  # fmt: skip
    assert told[12] == ("Repetition 4", "", "1.5 s", ["knee 65° to 175°"], "50%", "")
    text = words(page)
    assert (
        "Repetitions, and attempts that did not count, the newest first, with the time after the "
        "first event Number Time Took Out / stay / back Range Form Checks Why not Repetition 12 "
        "32.2 s 1.3 s 0.9 / 0.1 / - s knee 85° to 175° 100% depth met (85°) control met (85°) "
        "Repetition 11 "
    ) in text
    assert "Did not count: Not reached (3), A required check was missed (2)." in text
    assert text.index("Why not") < text.index("The last 25 of")


def test_each_check_says_how_it_went_and_by_how_much_it_was_missed(
    support: Client, squat: MoveSpec
) -> None:
    events = events_of(SQUAT, squats())
    completed = next(one for one in events if one.type == "event_completed")
    control = completed.payload["metrics"]["checks"][1]
    control |= {"uncertain": True}
    rows = table_of(page_of(support, stored_session(squat, events))).rows
    assert {row.name: row.checks for row in rows if row.name.endswith(" 4")} == {
        "Repetition 4": ["depth met (65°)", "control missed by 4.8° (65°)"],
    }
    assert [row.checks for row in rows if row.name == "Attempt at 11"] == [
        ["depth missed by 5.2° (100°)", "control met (100°)"]
    ]
    assert [row.checks for row in rows if row.name == "Attempt"] == [
        ["depth not judged", "control not judged"]
    ] * 3
    assert rows[-1].checks == ["depth met (85°)", "control met (85°, uncertain)"]


def test_a_way_back_that_was_told_later_stands_beside_its_repetition(
    support: Client, squat: MoveSpec
) -> None:
    events = events_of(SQUAT, squats())
    told = [one.payload["metrics"] for one in events if one.type == "event_completed"]
    assert {metrics["back_ms"] for metrics in told} == {None}
    session = stored_session(squat, events)
    assert [row.parts for row in table_of(page_of(support, session)).rows if row.counts][:3] == [
        "0.9 / 0.1 / - s", "0.9 / 0.1 / 0.9 s", "0.8 / 0.1 / 0.9 s",
    ]  # fmt: skip
    # Of the last one the summary alone has it.
    last = {part: told[-1][part] for part in ("times", "out_ms", "stay_ms")} | {"back_ms": 640}
    add_summary(session, times={"mean": last, "last": last})
    assert table_of(page_of(support, session)).rows[0].parts == "0.9 / 0.1 / 0.6 s"


def test_the_check_of_a_way_back_stands_with_its_repetition(
    support: Client, owner: Machine
) -> None:
    yaml_source = f"{SQUAT}    tempo: {{back: {{max: 300}}}}\n"
    squat, _ = make_released(owner.project, yaml_source)
    session = stored_session(squat, events_of(yaml_source, squats()))
    checks = [row.checks[2] for row in table_of(page_of(support, session)).rows if row.counts]
    assert checks[0] == "tempo.back not judged"
    assert checks[1] == "tempo.back missed by 590 ms (890 ms)"


def test_the_summary_has_the_share_of_each_check_and_the_mean_of_each_part(
    support: Client, squat: MoveSpec
) -> None:
    session = stored_session(squat, events_of(SQUAT, squats()))
    checks = {"met": 12, "missed": 2}, {"met": 0, "missed": 0}
    mean = {"out_ms": 1049, "stay_ms": 200, "back_ms": None}
    add_summary(
        session,
        checks=dict(zip(("depth", "control"), checks, strict=True)),
        times={"mean": mean, "last": None},
    )
    assert (
        "depth met 12 of 14 86% control not judged Out / stay / back 1.0 / 0.2 / - s in the mean"
    ) in words(page_of(support, session))


def test_a_range_says_that_its_degrees_are_uncertain(support: Client, squat: MoveSpec) -> None:
    events = [one for one in events_of(SQUAT, squats()) if one.type == "event_completed"][:1]
    events[0].payload["metrics"]["measures"]["joint.knee"]["uncertain"] = True
    [(*_, ranges, _form, _why)] = lines(page_of(support, stored_session(squat, events)))
    assert [str(one).endswith("°, uncertain") for one in ranges] == [True]


def test_a_side_has_a_column_where_sides_are_counted(support: Client, owner: Machine) -> None:
    curl, _ = make_released(owner.project, CURL)
    page = page_of(support, stored_session(curl, events_of(CURL, curls())))
    assert [line[:2] for line in lines(page)] == [
        ("Repetition 6", "right"),
        ("Repetition 5", "left"),
        ("Attempt", "left"),
        ("Repetition 4", "right"),
        ("Repetition 3", "left"),
        ("Repetition 2", "right"),
        ("Repetition 1", "left"),
    ]
    assert lines(page)[0][3] == ["right elbow 58° to 170°"]
    assert "Number Time Side Took Out / stay / back Range Why not" in words(page)


def test_a_hold_is_told_by_how_long_it_lasted(support: Client, owner: Machine) -> None:
    wall_sit, _ = make_released(owner.project, HOLD)
    page = page_of(support, stored_session(wall_sit, events_of(HOLD, wall_sits())))
    ranges = ["knee 95° to 96°", "lean of the trunk 0° to 0°"]
    assert lines(page) == [
        ("Hold 2", "", "3 s", ranges, "", ""),
        ("Attempt at 2", "", "", [], "", "Let go too soon, 1.3 s short"),
        ("Hold 1", "", "3 s", ranges, "", ""),
    ]
    assert "Did not count: Let go too soon (1)." in words(page)


def test_what_older_code_has_stored_is_shown_without_what_it_did_not_know(
    support: Client, squat: MoveSpec
) -> None:
    events = of_older_code(events_of(SQUAT, squats()))
    page = page_of(support, stored_session(squat, events))
    assert page.context["measures"] == []
    assert lines(page)[:3] == [
        ("Repetition", "", "", [], "", ""),
        ("Repetition", "", "", [], "", ""),
        ("Attempt", "", "", [], "", "A required check was missed"),
    ]
    assert "Number Time Score Why not Repetition 32.2 s 1 Repetition" in words(page)


def test_of_a_session_that_ran_both_codes_each_has_what_it_knew(
    support: Client, squat: MoveSpec
) -> None:
    events = events_of(SQUAT, squats())
    page = page_of(support, stored_session(squat, [*of_older_code(events[:20]), *events[20:]]))
    assert [line[0] for line in lines(page)][-4:-2] == ["Repetition 4", "Repetition 3"]
    assert [line[0] for line in lines(page)][-2:] == ["Repetition", "Repetition"]
    assert chart_of(page).text.startswith("10 repetitions, 4 attempts. ")


def test_rows_are_bounded_and_it_says_how_many_more_there_are(
    support: Client, squat: MoveSpec
) -> None:
    one = next(e for e in events_of(SQUAT, squats()) if e.type == "event_completed")
    many = [
        DetectionEvent(one.type, 2000.0 * number, one.payload | {"number": number})
        for number in range(1, ROWS + 13)
    ]
    page = page_of(support, stored_session(squat, many))
    assert [row.name for row in table_of(page).rows] == [
        f"Repetition {number}" for number in range(ROWS + 12, 12, -1)
    ]
    assert f"These are the last {ROWS}: 12 more are in the CSV Number" in words(page)


def test_a_movespec_that_is_not_read_any_more_leaves_the_paths(
    support: Client, squat: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = stored_session(squat, events_of(SQUAT, squats()))
    monkeypatch.setattr("staff.session_detections.spec_of", lambda _: None)
    page = page_of(support, session)
    assert lines(page)[4][5] == "Not reached: detection.movement.phases[1].criteria[0], by 1.6°"
    assert chart_of(page).bounds == []


# --- The charts --------------------------------------------------------------------------


def test_a_chart_has_a_bar_from_the_least_to_the_most_of_each_repetition(
    support: Client, squat: MoveSpec
) -> None:
    page = page_of(support, stored_session(squat, events_of(SQUAT, squats())))
    chart = chart_of(page)
    assert (chart.name, list(chart.scale)) == ("knee", [180, 150, 120, 90, 60])
    assert chart.bars.count("M") == 12
    assert chart.attempts.count("M") == 5
    # The first squat: 1.3 s of 32.2, and 175 to 85.2 degrees of 180 to 60.
    began, until = WIDTH * (1867 - 1267 - 33) / 32233, WIDTH * (1867 - 33) / 32233
    left, top, right, bottom, back = (
        float(part) for part in chart.bars.split("Z")[0].lstrip("M").replace("H", " ")
        .replace("V", " ").split()
    )  # fmt: skip
    assert (left, right, back) == (
        pytest.approx(began, abs=1.5), pytest.approx(until, abs=1.5), left,
    )  # fmt: skip
    assert (top, bottom) == (
        pytest.approx(HEIGHT * 5 / 120, abs=0.1), pytest.approx(HEIGHT * 94.8 / 120, abs=0.1),
    )  # fmt: skip
    assert [bound.words for bound in chart.bounds] == ["bottom up to 110°", "standing from 150°"]
    assert [float(bound.y) for bound in chart.bounds] == [HEIGHT * 70 / 120, HEIGHT * 30 / 120]


def test_a_chart_is_told_in_words_too(support: Client, squat: MoveSpec) -> None:
    text = words(page_of(support, stored_session(squat, events_of(SQUAT, squats()))))
    told = (
        "12 repetitions, 5 attempts. Least: 65° to 90°, 83° in the mean. "
        "Most: 175° to 176°, 175° in the mean."
    )
    assert (
        f"Knee: the least and the most of each repetition over 32.2 s {told} "
        "The table of repetitions has each."
    ) in text
    assert f"{told} The dotted lines: bottom up to 110°, standing from 150°." in text


def test_each_side_has_a_chart_with_its_own_attempts(support: Client, owner: Machine) -> None:
    curl, _ = make_released(owner.project, CURL)
    page = page_of(support, stored_session(curl, events_of(CURL, curls())))
    assert [
        (chart.name, chart.bars.count("M"), chart.attempts.count("M"))
        for chart in page.context["measures"]
    ] == [("left elbow", 3, 1), ("right elbow", 3, 0)]
    lanes = {lane.name: lane.times for lane in page.context["picture"].lanes}
    assert (lanes["curled, left"], lanes["curled, right"]) == (3, 3)


def test_a_hold_has_a_chart_of_each_measure_with_its_own_bounds(
    support: Client, owner: Machine
) -> None:
    wall_sit, _ = make_released(owner.project, HOLD)
    page = page_of(support, stored_session(wall_sit, events_of(HOLD, wall_sits())))
    knee, trunk = page.context["measures"]
    assert knee.text == ("2 holds, 1 attempt. Least: 95°. Most: 96°.")
    assert (list(knee.scale), list(trunk.scale)) == ([110, 100, 90, 80], [30, 20, 10, 0])
    assert [bound.words for bound in knee.bounds] == ["sitting from 80°", "sitting up to 110°"]
    # An angle that stays the same is seen all the same.
    assert trunk.bars.startswith("M0.0 118.0H")


def test_one_event_alone_has_a_chart(support: Client, squat: MoveSpec) -> None:
    one = next(e for e in events_of(SQUAT, squats()) if e.type == "event_completed")
    page = page_of(support, stored_session(squat, [one]))
    assert chart_of(page).bars.startswith("M0.0 5.0H2.0V")


def test_the_newest_are_drawn_where_there_are_many(support: Client, squat: MoveSpec) -> None:
    events = events_of(SQUAT, squats())
    kinds = ("event_completed", "event_interrupted")
    one, other = (next(e for e in events if e.type == kind) for kind in kinds)
    many = [
        DetectionEvent(kind.type, 1000.0 * number, kind.payload)
        for number in range(1, DRAWN + 101)
        for kind in (one, other)
    ]
    page = page_of(support, stored_session(squat, many))
    assert chart_of(page).text.startswith(f"{DRAWN} repetitions, {DRAWN} attempts. ")
    assert f"At most the newest {DRAWN} of each are drawn." in words(page)
    assert len(page.content) < 70_000


# --- What it costs -----------------------------------------------------------------------


def test_the_page_costs_as_many_queries_as_one_that_detected_nothing(
    support: Client, squat: MoveSpec
) -> None:
    nothing = stored_session(squat, [])
    session = stored_session(squat, events_of(SQUAT, squats()))
    page_of(support, session)
    with CaptureQueriesContext(connection) as few:
        page_of(support, nothing)
    with CaptureQueriesContext(connection) as many:
        page_of(support, session)
    assert len(many) == len(few)
    read = [query["sql"] for query in many if StoredEvent._meta.db_table in query["sql"]]
    assert len(read) == 1
