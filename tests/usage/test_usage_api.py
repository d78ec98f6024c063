"""GET /api/usage and GET /api/usage/projects/{project_id}."""

import json
import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from tests.api.api_requests import refused
from tests.documented import block
from tests.usage.using import use
from usage.rollup import roll_up

USAGE = "/api/usage"


def today():
    return clock.now().date()


def test_it_sums_up_the_last_30_days_rolled_up_or_not(owner, peer):
    now = today()
    for back in (30, 29, 2):
        use(owner, now - timedelta(days=back))
    use(peer, now)
    roll_up()
    use(owner, now - timedelta(days=2), frames=5, is_live=False)
    use(owner, now)
    answer = owner.get(USAGE).json()
    days = answer.pop("days")
    assert answer == {
        "from": str(now - timedelta(days=29)),
        "to": str(now),
        "sessions": 4,
        "accepted_frames": 35,
        "active_ms": 33 * 35,
        "live_frames": 30,
    }
    assert [day["date"] for day in days] == [
        str(now - timedelta(days=back)) for back in range(29, -1, -1)
    ]
    assert [day for day in days if day["sessions"]] == [
        {"date": days[0]["date"], "sessions": 1, "accepted_frames": 10, "active_ms": 330},
        {"date": days[27]["date"], "sessions": 2, "accepted_frames": 15, "active_ms": 495},
        {"date": days[29]["date"], "sessions": 1, "accepted_frames": 10, "active_ms": 330},
    ]
    assert days[1] == {
        "date": days[1]["date"], "sessions": 0, "accepted_frames": 0, "active_ms": 0,
    }  # fmt: skip


def test_it_is_the_same_for_the_project_and_for_what_the_credential_may_see(owner, peer):
    use(owner, today())
    use(peer, today(), frames=7)
    own = owner.get(f"{USAGE}/projects/{owner.project.id}").json()
    assert own == owner.get(USAGE).json()
    assert own["accepted_frames"] == 10


@pytest.mark.parametrize("project", ["peer", "outsider", "nobody"])
def test_another_project_is_not_there(owner, peer, outsider, project):
    machines = {"peer": peer, "outsider": outsider}
    project_id = machines[project].project.id if project in machines else uuid.uuid4()
    refused(owner.get(f"{USAGE}/projects/{project_id}"), 404, "not_found", resource="project")


def test_both_ends_of_the_range_are_in_it(owner):
    for day in range(1, 6):
        use(owner, date(2031, 5, day), frames=day)
    answer = owner.get(f"{USAGE}?from=2031-05-02&to=2031-05-04").json()
    assert [day["accepted_frames"] for day in answer["days"]] == [2, 3, 4]
    assert (answer["from"], answer["to"], answer["sessions"]) == ("2031-05-02", "2031-05-04", 3)
    one = owner.get(f"{USAGE}?from=2031-05-02&to=2031-05-02").json()
    assert [day["date"] for day in one["days"]] == ["2031-05-02"]


def test_400_days_are_the_most(owner):
    answer = owner.get(f"{USAGE}?from=2030-01-01&to=2031-02-04").json()
    assert len(answer["days"]) == 400
    refused(
        owner.get(f"{USAGE}?from=2030-01-01&to=2031-02-05"), 422, "validation_error",
        **{"from": "This field must be at most 399 days before 2031-02-05."},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("from=2031-05-02&to=2031-05-01", {"from": "This field must not be after 2031-05-01."}),
        ("from=2031-02-30", {"from": "This field must be a day, such as 2026-01-31."}),
        ("to=yesterday", {"to": "This field must be a day, such as 2026-01-31."}),
        ("to=20310501", {"to": "This field must be a day, such as 2026-01-31, not 20310501."}),
        (
            "from=2031-05-01T00:00:00Z&to=",
            {
                "from": "This field must be a day, such as 2026-01-31.",
                "to": "This field must be a day, such as 2026-01-31.",
            },
        ),
    ],
)
def test_a_range_that_cant_be_is_refused(owner, query, details):
    refused(owner.get(f"{USAGE}?{query}"), 422, "validation_error", **details)


@pytest.mark.parametrize(
    "query", ["to=0001-01-01", "to=9999-12-31", "from=9999-12-31&to=9999-12-31"]
)
def test_the_ends_of_the_calendar_are_days(owner, query):
    answer = owner.get(f"{USAGE}?{query}")
    assert answer.status_code == 200
    told = answer.json()
    assert told["sessions"] == 0
    assert told["from"] <= told["to"]


def test_it_reads_all_of_it_in_one_statement(owner):
    use(owner, today())
    with CaptureQueriesContext(connection) as asked:
        owner.get(USAGE)
    # The credential; the project's place, between the ends of a transaction; and the usage.
    assert len(asked) == 5


def test_the_page_has_an_answer_as_it_is_sent(owner):
    shown = json.loads(block("docs/api.md", '"live_frames"').text)
    answer = owner.get(f"{USAGE}?from=2026-11-01&to=2026-11-30").json()
    assert list(shown) == list(answer)
    assert list(shown["days"][0]) == list(answer["days"][0])
