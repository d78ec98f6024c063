"""GET /api/subjects/summary: a person over time, from the summaries of their sessions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from kynaplatform import clock
from kynaplatform.api import pagination
from movespecs.models import MoveSpec
from projects.access_tokens import access_token_mint
from tests.admin.session_rows import make_session
from tests.api.api_requests import ask, refused
from tests.conftest import SESSIONS, Machine
from tests.documented import block

SUMMARY = "/api/subjects/summary"
OF_REPETITIONS = {
    "by_side": None, "longest_ms": None, "total_ms": None, "countable_share": None,
}  # fmt: skip
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAYS = "subject=p_4711&from=2026-11-01&to=2026-11-30"


def measure(best: float | None, mean: float, least: float, most: float) -> dict[str, Any]:
    return {"best": best, "mean": mean, "least": least, "most": most}


def trained(
    movespec: MoveSpec,
    at: datetime = NOON,
    completed: int = 0,
    *,
    measures: dict[str, Any] | None = None,
    attempts: dict[str, int] | None = None,
    checks: dict[str, dict[str, int]] | None = None,
    active_ms: float = 1000.4,
    event_key: str = "squat",
    subject: str = "p_4711",
    **more: Any,
) -> str:
    """A session of a subject that ended with this in its summary."""
    told = {
        "completed": completed,
        "attempts": attempts or {},
        "by_side": None,
        "measures": measures or {},
        "longest_ms": None,
        "total_ms": None,
        "checks": checks or {},
    }
    summary = {"active_ms": active_ms, "counted": {event_key: told}}
    return make_session(
        movespec, "completed",
        **{"created_at": at, "subject": subject, "summary": summary, **more},
    )  # fmt: skip


def test_a_day_has_the_sums_of_its_sessions_and_means_by_repetitions(owner, movespec):
    trained(
        movespec, NOON, 10, attempts={"not_reached": 2, "pose_lost": 1},
        measures={
            "joint.knee": measure(84.2, 90.0, 84.2, 174.0),
            "lean.trunk": measure(None, 20.0, 5.0, 40.0),
        },
        checks={"depth": {"met": 9, "missed": 3}},
    )  # fmt: skip
    trained(
        movespec, NOON + timedelta(hours=1), 5, attempts={"not_reached": 1}, active_ms=500.2,
        measures={"joint.knee": measure(80.1, 96.0, 80.1, 170.0)},
        checks={"depth": {"met": 4, "missed": 1}, "upright": {"met": 5, "missed": 0}},
    )  # fmt: skip
    trained(movespec, NOON + timedelta(hours=2), 0, active_ms=0.0)
    trained(movespec, NOON - timedelta(days=1), 3, event_key="lunge")
    assert owner.get(f"{SUMMARY}?{DAYS}").json() == [
        {
            "date": "2026-11-29",
            "session_id": None,
            "event_key": "squat",
            "sessions": 3,
            "completed": 15,
            "attempts": {"not_reached": 3, "pose_lost": 1},
            "active_ms": 1501,
            "measures": {
                "joint.knee": {"best": 80.1, "mean": 92.0},
                "lean.trunk": {"best": None, "mean": 20.0},
            },
            "checks": {
                "depth": {"met": 13, "missed": 4},
                "upright": {"met": 5, "missed": 0},
            },
            **OF_REPETITIONS,
        },
        {
            "date": "2026-11-28",
            "session_id": None,
            "event_key": "lunge",
            "sessions": 1,
            "completed": 3,
            "attempts": {},
            "active_ms": 1000,
            "measures": {},
            "checks": {},
            **OF_REPETITIONS,
        },
    ]


SIGNS = {
    "time_ms": 10_000.0, "unseen_ms": {}, "moved": 16_000, "uncounted": 0, "counted": 16_000,
    "completions": 10, "paths": [],
}  # fmt: skip


def held(completed: int, longest_ms: float, total_ms: float, **more: Any) -> dict[str, Any]:
    times = {"longest_ms": longest_ms, "total_ms": total_ms}
    return {
        "completed": completed, "attempts": {}, "by_side": None, "measures": {}, **times, **more
    }  # fmt: skip


def test_a_day_has_the_longest_hold_all_of_them_each_side_and_the_least_quality(owner, movespec):
    for longest_ms, total_ms, sides, unseen_ms in (
        (4_000.4, 9_000.3, {"left": 1, "right": 2}, 2_000.0),
        (6_000.0, 6_000.0, {"left": 1, "right": 0}, 1_000.0),
    ):
        told = held(sum(sides.values()), longest_ms, total_ms, by_side=sides)
        signs = {**SIGNS, "unseen_ms": {"pose_lost": unseen_ms}}
        trained(movespec, summary={"counted": {"stance": told}, "quality": signs})
    trained(movespec, summary={"counted": {"stance": held(0, 0.0, 0.0)}})
    [row] = owner.get(f"{SUMMARY}?{DAYS}").json()
    assert {key: row[key] for key in OF_REPETITIONS} == {
        "by_side": {"left": 2, "right": 2},
        "longest_ms": 6_000,
        "total_ms": 15_000,
        "countable_share": 0.8,
    }


def test_by_session_each_has_its_own(owner, movespec):
    first = trained(movespec, NOON, 10, measures={"joint.knee": measure(84.2, 90.0, 84.2, 174.0)})
    second = trained(movespec, NOON + timedelta(hours=1), 5)
    told = owner.get(f"{SUMMARY}?{DAYS}&by=session").json()
    assert [(row["session_id"], row["sessions"], row["completed"]) for row in told] == [
        (second, 1, 5), (first, 1, 10),
    ]  # fmt: skip
    assert told[1]["measures"] == {"joint.knee": {"best": 84.2, "mean": 90.0}}


def test_the_best_is_the_farthest_the_way_that_the_measure_goes(owner, movespec):
    cases = [
        # Less is farther, more is, nothing is; and two versions that differ.
        ([(84.0, 84.0, 170.0), (90.0, 90.0, 160.0)], 84.0),
        ([(170.0, 84.0, 170.0), (175.0, 90.0, 175.0)], 175.0),
        ([(None, 84.0, 170.0), (None, 90.0, 160.0)], None),
        ([(84.0, 84.0, 170.0), (175.0, 90.0, 175.0)], None),
        # One that never moved says nothing of the way.
        ([(80.0, 80.0, 80.0), (84.0, 84.0, 170.0)], 80.0),
        ([(80.0, 80.0, 80.0), (170.0, 84.0, 170.0)], 170.0),
    ]
    for day, (ranges, _) in enumerate(cases):
        for best, least, most in ranges:
            measures = {"joint.knee": measure(best, 100.0, least, most)}
            trained(movespec, NOON - timedelta(days=day), 1, measures=measures)
    rows = owner.get(f"{SUMMARY}?{DAYS}").json()
    expected = [{"joint.knee": {"best": best, "mean": 100.0}} for _, best in cases]
    assert [row["measures"] for row in rows] == expected


def test_numbers_are_rounded_to_what_they_mean_whatever_has_stored_them(owner, movespec):
    """Here and in the session's record, which `session_done` and webhooks show as well."""
    degrees = measure(79.18829146399564, 90.0666, 79.18829146399564, 170.949)
    counted = {
        "completed": 1,
        "attempts": {},
        "by_side": None,
        "measures": {"joint.knee": degrees},
        "longest_ms": 12033.333333333334,
        "total_ms": 30066.666666666668,
    }
    summary = {"active_ms": 10456.26, "counted": {"plank": counted}}
    session_id = trained(movespec, summary=summary)
    record = owner.get(f"{SESSIONS}/{session_id}")
    assert record.json()["summary"]["plank"] == {
        **counted,
        "measures": {"joint.knee": measure(79.2, 90.1, 79.2, 170.9)},
        "longest_ms": 12033,
        "total_ms": 30067,
        "checks": {},
        "times": None,
    }
    assert b'"longest_ms":12033,"total_ms":30067' in record.content
    (row,) = owner.get(f"{SUMMARY}?{DAYS}").json()
    assert (row["active_ms"], row["measures"]) == (
        10456, {"joint.knee": {"best": 79.2, "mean": 90.1}}
    )  # fmt: skip


def test_the_days_are_of_utc_and_both_are_in_it(owner, movespec):
    tick = timedelta(microseconds=1)
    midnight = datetime(2026, 11, 10, tzinfo=UTC)
    for number, at in enumerate(
        [
            midnight - tick,
            midnight,
            midnight + timedelta(days=2) - tick,
            midnight + timedelta(days=2),
        ]
    ):
        trained(movespec, at, 10**number)
    told = owner.get(f"{SUMMARY}?subject=p_4711&from=2026-11-10&to=2026-11-11").json()
    assert [(row["date"], row["completed"]) for row in told] == [
        ("2026-11-11", 100), ("2026-11-10", 10),
    ]  # fmt: skip


def test_only_the_persons_own_sessions_that_counted_are_in_it(owner, peer, movespec):
    own = trained(movespec, completed=1)
    trained(movespec, completed=2)
    of_another = trained(movespec, completed=10, subject="p_4712")
    trained(movespec, completed=100, project_id=peer.project.id)
    trained(movespec, completed=1000, subject=None)
    for summary in (None, {}, {"counted": None}, {"counted": {}}, {"counted": []}):
        trained(movespec, completed=1, summary=summary)
    assert [row["completed"] for row in owner.get(f"{SUMMARY}?{DAYS}").json()] == [3]
    assert [row["completed"] for row in peer.get(f"{SUMMARY}?{DAYS}").json()] == [100]
    # A token of one session reads that one alone.
    for session_id, completed in ((own, [1]), (of_another, [])):
        _, token = access_token_mint(
            credential=owner.credential,
            scopes=["sessions:read"],
            now=clock.now(),
            session_id=session_id,
        )
        for by in ("day", "session"):
            rows = ask("GET", f"{SUMMARY}?{DAYS}&by={by}", token=token).json()
            assert [row["completed"] for row in rows] == completed


def test_pages_of_sessions_follow_each_other(owner, movespec):
    """Two were created at the same moment each; ids of later ones are greater."""
    for n in range(7):
        trained(movespec, NOON + timedelta(minutes=n // 2), n)
    pages = followed(owner, f"{SUMMARY}?{DAYS}&by=session&limit=3")
    assert pages == [[6, 5, 4], [3, 2, 1], [0]]


def test_a_page_that_is_cut_by_its_size_has_whole_days(owner, movespec, monkeypatch):
    """A row sums sessions from all over its day, among which those of other rows are."""
    for day, hour, key in product(range(5), range(3), ("squat", "lunge", "row")):
        trained(movespec, NOON - timedelta(days=day, hours=hour), 1, event_key=key)
    for max_bytes in (1, 400, 1_100, 3_500):
        monkeypatch.setattr(pagination, "MAX_PAGE_BYTES", max_bytes)
        pages = [*pages_of(owner, f"{SUMMARY}?{DAYS}")]
        rows = [row for page in pages for row in page]
        assert [row["sessions"] for row in rows] == [3] * 15
        assert len({(row["date"], row["event_key"]) for row in rows}) == 15
        assert [len(page) % 3 for page in pages] == [0] * len(pages)
        assert (len(pages) == 5) == (max_bytes < 1_100)


def test_pages_of_days_have_whole_days(owner, movespec, monkeypatch):
    monkeypatch.setattr("sessions_app.subject_summary.MAX_SESSIONS", 3)
    for day, sessions in ((29, 2), (28, 2), (27, 1), (26, 5), (25, 1)):
        for n in range(sessions):
            trained(movespec, datetime(2026, 11, day, n, tzinfo=UTC), 10**n)
    # The 26th has more than a page, and goes on in the next one: nothing of it is lost.
    assert followed(owner, f"{SUMMARY}?{DAYS}") == [[11], [11], [1], [11100], [11], [1]]


def pages_of(owner: Machine, path: str) -> Iterator[list[dict[str, Any]]]:
    while path:
        answer = owner.get(path)
        assert answer.status_code == 200
        yield answer.json()
        link = answer.headers.get("Link")
        path = link[1 : link.index(">")] if link else ""


def followed(owner: Machine, path: str) -> list[list[int]]:
    """The completed repetitions of each page's rows."""
    return [[row["completed"] for row in page] for page in pages_of(owner, path)]


def test_a_bad_query_is_refused(owner):
    for query, field, told in (
        ("", "subject", "This field is required."),
        (
            "subject=a%20name", "subject",
            "This field must be an id of 1 to 128 letters of A to Z, digits, _ and -.",
        ),
        ("subject=p&by=week", "by", 'This field must be one of day, session, not "week".'),
        (
            "subject=p&from=2026-01-02&to=2026-01-01", "from",
            "This field must not be after 2026-01-01.",
        ),
        (
            "subject=p&from=2025-01-01&to=2026-02-05", "from",
            "This field must be at most 399 days before 2026-02-05.",
        ),
        ("subject=p&cursor=x", "cursor", "Not a cursor of this list."),
    ):  # fmt: skip
        refused(owner.get(f"{SUMMARY}?{query}"), 422, "validation_error", **{field: told})


def test_the_page_has_an_answer_as_it_is_sent(owner, movespec):
    (shown,) = json.loads(block("docs/api.md", '"event_key": "squat", "sessions"').text)
    measures = {name: measure(80.0, 90.0, 80.0, 170.0) for name in shown["measures"]}
    trained(movespec, NOON, 1, measures=measures, attempts=shown["attempts"])
    (answer,) = owner.get(f"{SUMMARY}?{DAYS}").json()
    assert list(shown) == list(answer)
    for name, of_one in answer["measures"].items():
        assert list(shown["measures"][name]) == list(of_one)
