"""The versions with which a MoveSpec's page begins."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kynaplatform import clock
from movespecs.authors import PLATFORM
from movespecs.models import MoveSpec, MoveSpecVersion
from movespecs.releases import version_release
from sessions_app.models import DetectionSession
from staff import version_table
from staff.version_table import MAX_RUNS, Runs, label_of, runs_of_versions
from tests.admin.session_rows import make_session
from tests.admin.staffing import address, text_of
from tests.conftest import VALID_YAML, Machine, make_version
from tests.sessions_app.plans import add_sessions

CELL = re.compile("<t[hd][^>]*>")


def rows_of(client: Client, movespec: MoveSpec) -> list[list[str]]:
    """The texts of the cells."""
    page = text_of(client.get(address(movespec)))
    table = page.partition('aria-label="Table of versions"')[2].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("</tr>")[:-1]
    return [
        [
            " ".join(re.sub("<[^>]+>", " ", cell).split())
            for cell in re.split("<t[hd][^>]*>", row)[1:]
        ]
        for row in rows
    ]


def release(movespec: MoveSpec, version: MoveSpecVersion) -> None:
    version_release(
        movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=timezone.now()
    )


def test_each_row_says_its_state_label_author_and_runs_and_leads_on(
    manager: Client, owner: Machine, movespec: MoveSpec
) -> None:
    first = movespec.versions.get()
    label = re.search("^version: (.*)$", VALID_YAML, re.MULTILINE)
    assert label is not None
    second = make_version(movespec.id, VALID_YAML.replace(label[0], "version: two # ours"))
    make_version(movespec.id, VALID_YAML + "# three\n")
    release(movespec, second)
    now = clock.now()
    for status in ("completed", "failed", "streaming"):
        make_session(movespec, status, created_at=now)
    make_session(movespec, created_at=now, resolved_version_id=second.pk)
    yesterday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    make_session(movespec, created_at=yesterday)
    make_session(movespec, created_at=yesterday - timedelta(seconds=1))

    found = rows_of(manager, movespec)
    own = label[1].strip('"')
    assert [row[:3] + row[4:] for row in found] == [
        ["Version 3", "never released", own, "the platform", "0", "Compare · Release …"],
        ["Version 2", "released", "two", "the platform", "1", ""],
        ["Version 1", "released before", own, "the platform", "4", "Compare · Roll back to …"],
    ]
    page = text_of(manager.get(address(movespec)))
    assert page.index("Table of versions") < page.index("field-shown_description")
    assert f"{address(second)}?against={first.pk}#against" in page


def test_support_may_compare_and_release_nothing(support: Client, movespec: MoveSpec) -> None:
    make_version(movespec.id, VALID_YAML + "# two\n")
    assert [row[-1] for row in rows_of(support, movespec)] == ["Compare", ""]


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ('"1.0"', "1.0"), ("'1.0' # x", "1.0"), ("1.0 # first", "1.0"), ("1#0", "1#0"),
        (None, ""), ("  ", ""), ('"' + "x" * 60 + '"', "x" * 40 + "…"), ("a\u202eb", "a[U+202E]b"),
    ],
)  # fmt: skip
def test_the_label_is_the_value_of_its_line(line: str | None, label: str) -> None:
    assert label_of(line) == label


def test_runs_are_counted_up_to_a_bound(owner: Machine, movespec: MoveSpec) -> None:
    version = movespec.versions.get()
    columns = {"status": "'completed'", "terminal_outcome": "'completed'", "created_at": "now()"}
    add_sessions(owner, movespec, MAX_RUNS + 50, **columns)
    assert runs_of_versions(movespec, [version.pk], clock.now()) == {version.pk: Runs(MAX_RUNS + 1)}


def test_live_runs_beyond_those_that_are_read_make_the_number_the_least(
    support: Client, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_table, "MAX_RUNS", 2)
    make_version(movespec.id, VALID_YAML + "# two\n")
    for status in ("streaming", "created", "finalizing"):
        make_session(movespec, status, created_at=clock.now())
    assert [row[5] for row in rows_of(support, movespec)] == ["at least 0", "at least 2"]
    DetectionSession.objects.filter(status="created").delete()
    assert [row[5] for row in rows_of(support, movespec)] == ["0", "2"]


def test_more_versions_cost_no_more_statements(support: Client, movespec: MoveSpec) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            support.get(address(movespec))
        return len(queries)

    statements()  # What is read once.
    few = statements()
    for number in range(25):
        make_version(movespec.id, VALID_YAML + f"# {number}\n")
    assert statements() == few
