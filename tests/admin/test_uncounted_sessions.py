"""A session that completed and counted nothing: a warning, found by a filter."""

import re
from typing import Any

import pytest
from django.test import Client

from movespecs.models import MoveSpec
from tests.admin.session_rows import HOUR, LIST, NOON, listed, make_session
from tests.admin.staffing import text_of
from tests.conftest import Machine, make_released

COUNTED = {"repetitions": {"squat": 2}, "events_total": 9, "counted_events_total": 9}
NOTHING = {"events_total": 9, "counted_events_total": 9}
LONGEST = {"terminal_outcome": "max_duration"}


def badges(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<span class="badge (\w+)"(?: title="[^"]*")?>(.*?)</span>', page)


@pytest.mark.parametrize(
    ("status", "columns", "shown"),
    [
        ("completed", NOTHING, ("warning", "completed, 0 repetitions")),
        ("completed", NOTHING | LONGEST, ("warning", "completed at the time limit, 0 repetitions")),
        ("completed", COUNTED, ("good", "completed")),
        ("completed", COUNTED | LONGEST, ("good", "completed at the time limit")),
        ("failed", NOTHING, ("bad", "failed")),
        ("streaming", NOTHING, ("quiet", "streaming")),
    ],
)
def test_its_badge_in_the_list_and_on_its_page(
    superuser: Client, movespec: MoveSpec, status: str, columns: Any, shown: tuple[str, str]
) -> None:
    session_id = make_session(movespec, status, **columns)
    for address in (LIST, f"{LIST}{session_id}/change/"):
        assert badges(text_of(superuser.get(address))) == [shown]


def test_a_filter_finds_them(superuser: Client, movespec: MoveSpec, outsider: Machine) -> None:
    other, _ = make_released(outsider.project)
    nothing = make_session(movespec, **NOTHING)
    replayed = make_session(movespec, mode="replay", created_at=NOON - HOUR)
    theirs = make_session(other, created_at=NOON - 2 * HOUR, **NOTHING | LONGEST)
    oldest = make_session(movespec, created_at=NOON - 3 * HOUR)
    make_session(movespec, **COUNTED)
    for status in ("failed", "cancelled", "streaming"):
        make_session(movespec, status, **NOTHING)
    asked = {"status__exact": "uncounted"}
    assert listed(superuser, **asked) == [nothing, replayed, theirs, oldest]
    assert listed(superuser, **asked, mode__exact="replay") == [replayed]
    assert listed(superuser, **asked, project__id__exact=outsider.project.id) == [theirs]
    assert listed(superuser, **asked, organization=outsider.organization.id) == [theirs]
    assert listed(superuser, **asked, q="elsewhere") == [theirs]
    shown = superuser.get(LIST, asked).content.decode()
    assert "<strong>Completed, 0 repetitions</strong>" in shown
