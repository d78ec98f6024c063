"""The admin's list of sessions, whatever their number."""

import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from movespecs.models import MoveSpec
from projects.models import Project
from sessions_app.models import DetectionSession
from staff.search import SESSIONS_HELP
from tests.admin.session_rows import HOUR, LIST, NOON, listed, make_session, overdue
from tests.conftest import Machine, make_released
from tests.long_runs import at_length


def addresses(client: Client, address: str) -> dict[str, str]:
    """What the page at `address` links to beside itself: Newest, Newer, Older."""
    return dict(client.get(address).context["cl"].neighbours)


def test_it_lists_by_organization_whatever_the_number_of_its_projects(
    superuser: Client, movespec: MoveSpec, outsider: Machine, owner: Machine
) -> None:
    theirs, _ = make_released(outsider.project)
    mine = []
    for number in range(60):
        project = Project.objects.create(organization=owner.organization, name=f"P {number}")
        one = MoveSpec(project_id=project.id)
        one.current_released_version_id = movespec.current_released_version_id
        # Interleaved, and of one moment by threes.
        at_ = NOON - timedelta(minutes=number // 3)
        mine.append((at_, make_session(one, created_at=at_)))
        make_session(theirs, created_at=at_)
    organization = {"organization": owner.organization.id}
    expected = [id_ for _, id_ in sorted(mine, key=lambda one: (one[0], uuid.UUID(one[1])))][::-1]
    assert listed(superuser, **organization) == expected[:50]
    older = addresses(superuser, f"{LIST}?{urlencode(organization)}")["Older"]
    rest = superuser.get(LIST + older).context["cl"].result_list
    assert [str(row.id) for row in rest] == expected[50:]


def test_an_organization_and_what_else_is_asked_add_up(
    superuser: Client, movespec: MoveSpec, outsider: Machine, owner: Machine
) -> None:
    other, _ = make_released(outsider.project)
    this = make_session(movespec, "failed")
    make_session(movespec, "completed")
    make_session(other, "failed")
    due = make_session(movespec, "failed", created_at=NOON - HOUR)
    mine, theirs = ({"organization": one.organization.id} for one in (owner, outsider))
    project = {"project__id__exact": movespec.project_id}
    assert listed(superuser, **mine, status__exact="failed") == [this, due]
    assert listed(superuser, **mine, **project, status__exact="failed") == [this, due]
    assert listed(superuser, **theirs, **project) == []
    assert listed(superuser, **mine, q=this) == [this]
    assert listed(superuser, **theirs, q=this) == []
    assert listed(superuser, **theirs, q=movespec.project_id) == []


def test_live_are_those_that_have_not_ended(superuser: Client, movespec: MoveSpec) -> None:
    running = [
        make_session(movespec, status, created_at=NOON - HOUR * back)
        for back, status in enumerate(("created", "streaming", "finalizing"))
    ]
    for status in ("completed", "cancelled", "failed"):
        make_session(movespec, status)
    due = overdue(movespec, "created", created_at=NOON + HOUR)
    assert listed(superuser, status__exact="live") == [due, *running]
    assert listed(superuser, status__exact="live", mode__exact="replay") == []


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026-01-05", ["first", "last"]),
        ("2026-01-04", ["before"]),
        ("2026-01-06", ["after"]),
        ("2026-01-07", []),
        ("2026-01-04..2026-01-05", ["before", "first", "last"]),
        ("2026-01-06..2026-01-04", []),
    ],
)
def test_it_lists_by_day_of_utc(
    superuser: Client, movespec: MoveSpec, day: str, found: list[str]
) -> None:
    midnight = NOON.replace(hour=0)
    tick = timedelta(microseconds=1)
    moments = {
        "before": midnight - tick,
        "first": midnight,
        "last": midnight + timedelta(days=1) - tick,
        "after": midnight + timedelta(days=1),
    }
    made = {make_session(movespec, created_at=moment): name for name, moment in moments.items()}
    assert [made[id_] for id_ in listed(superuser, day=day)] == found[::-1]


def test_its_filters_add_up(superuser: Client, movespec: MoveSpec, outsider: Machine) -> None:
    other, _ = make_released(outsider.project)
    sought = {
        "status__exact": "failed",
        "mode__exact": "replay",
        "project__id__exact": str(movespec.project_id),
        "day": "2026-01-05",
    }
    late = NOON + timedelta(days=1)
    this = make_session(movespec, "failed", "replay")
    due = make_session(movespec, "failed", "replay", created_at=NOON - HOUR)
    make_session(movespec, "completed", "replay")
    make_session(movespec, "failed", "live")
    make_session(other, "failed", "replay")
    make_session(movespec, "failed", "replay", created_at=late)
    assert listed(superuser, **sought) == [this, due]
    assert listed(superuser, **sought, q=this) == [this]
    assert listed(superuser, **sought, q=movespec.project_id) == [this, due]
    assert listed(superuser, **sought, q=outsider.project.id) == []


def test_a_filters_input_keeps_the_other_filters_and_forgets_the_page(
    superuser: Client, movespec: MoveSpec
) -> None:
    for _ in range(51):
        make_session(movespec)
    older = addresses(superuser, f"{LIST}?status__exact=completed")["Older"]
    shown = superuser.get(LIST + older).content.decode()
    forms = re.findall(r'<form class="input-filter">(.*?)</form>', shown, re.DOTALL)
    kept = [re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form) for form in forms]
    assert kept == [[("status__exact", "completed")]]


def test_a_row_shows_customer_movespec_outcome_repetitions_and_frames(
    superuser: Client, movespec: MoveSpec
) -> None:
    counted = {"repetitions": {"squat": 9, "lunge": 3}, "events_total": 30}
    make_session(
        movespec, "cancelled", terminal_outcome="expired", accepted_frames_total=77,
        **counted,
    )  # fmt: skip
    make_session(movespec, created_at=NOON - HOUR, **counted)
    page = superuser.get(LIST).content.decode()
    cells = re.findall(r'<td class="field-(\w+)">(.*?)</td>', page)
    told = [re.sub("<[^>]+>", "", text) for name, text in cells if name != "shown"]
    assert told == [
        "Acme / owner", "Squat, version 1", "never connected", "12", "77",
        "Acme / owner", "Squat, version 1", "completed", "12", "0",
    ]  # fmt: skip


def test_it_finds_by_the_id_of_a_session_a_project_or_a_version(
    superuser: Client, movespec: MoveSpec, outsider: Machine
) -> None:
    other, _ = make_released(outsider.project)
    mine, theirs = make_session(movespec), make_session(other)
    running = make_session(movespec, "streaming", created_at=NOON - HOUR)
    due = overdue(movespec, "created", created_at=NOON - 2 * HOUR)
    assert listed(superuser, q=theirs) == [theirs]
    assert listed(superuser, q=f" {theirs.upper()} ") == [theirs]
    assert listed(superuser, q=due) == [due]
    assert listed(superuser, q=movespec.project_id) == [mine, running, due]
    assert listed(superuser, q=movespec.current_released_version_id) == [mine, running, due]
    assert listed(superuser, q=uuid.uuid4()) == []


@pytest.mark.parametrize("text", ["lunge", "1", "\x01", "%", "'; --", "a" * 200, "é", "/"])
def test_any_other_search_finds_nothing_and_says_what_to_give(
    superuser: Client, movespec: MoveSpec, text: str
) -> None:
    make_session(movespec)
    answer = superuser.get(LIST, {"q": text})
    assert list(answer.context["cl"].result_list) == []
    shown = answer.content.decode()
    assert "No detection sessions of this name or id." in shown
    assert SESSIONS_HELP in shown


def add_rows(movespec: MoveSpec, count: int, **columns: str) -> None:
    """`count` ended sessions by one statement; `columns` are SQL over `n`."""
    values = {
        "id": "gen_random_uuid()",
        "project_id": f"'{movespec.project_id}'::uuid",
        "resolved_version_id": f"'{movespec.current_released_version_id}'::uuid",
        "mode": "'live'",
        "contract_major": "1",
        "status": "'completed'",
        "terminal_outcome": "'completed'",
        "ended_at": "now()",
        "deadline_at": "NULL",
        "accepted_frames_total": "0",
        "created_at": "now() - n * interval '1 second'",
        "checkpoint_number": "0",
        "signing_key_id": "gen_random_uuid()",
        "runtime_token_expires_at": "now()",
        "stream_url": "''",
        **columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO detection_session ({', '.join(values)}) "  # noqa: S608
            f"SELECT {', '.join(values.values())} FROM generate_series(1, {count}) n"
        )


LIVE = {
    "status": "'streaming'",
    "terminal_outcome": "NULL",
    "ended_at": "NULL",
    "deadline_at": "now() + interval '1 hour'",
}


@at_length("same_moment", 7, 1, 50, 120)
def test_its_pages_show_each_session_once_there_and_back(
    superuser: Client, movespec: MoveSpec, same_moment: int
) -> None:
    moment = f"timestamptz '2026-01-05' - (n / {same_moment}) * interval '1 second'"
    add_rows(movespec, 60, created_at=moment)
    add_rows(movespec, 60, **LIVE | {"created_at": moment, "mode": "'replay'"})
    ordered = list(DetectionSession.objects.order_by("-created_at", "-id").values_list("id"))
    expected = [str(id_) for (id_,) in ordered]

    there, address = [], LIST
    while True:
        shown = superuser.get(address).context["cl"]
        there.append([str(row.id) for row in shown.result_list])
        if "Older" not in (links := dict(shown.neighbours)):
            break
        address = LIST + links["Older"]
    back = [there[-1]]
    while "Newer" in (links := addresses(superuser, address)):
        address = LIST + links["Newer"]
        back.append([str(r.id) for r in superuser.get(address).context["cl"].result_list])

    assert there == [expected[:50], expected[50:100], expected[100:]]
    assert back == there[::-1]
