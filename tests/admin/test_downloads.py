"""A list as CSV: every row that it shows, as values, for who may see it."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from staff.lists import CUT, DownloadableAdmin, cell
from tests.admin.staffing import ROLES, address, member
from tests.conftest import Machine, make_released
from tests.erasure.people import ask_to_erase
from tests.long_runs import at_length
from tests.sessions_app.plans import add_sessions
from tests.webhooks.endpoint import make_delivery, make_endpoint

SESSIONS = "/admin/sessions_app/detectionsession/csv/"


def downloaded(client: Client, path: str, asked: Any = None) -> list[list[str]]:
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def ids(lines: list[list[str]]) -> list[str]:
    return [line[0] for line in lines[1:]]


def test_it_has_the_list_s_columns_as_values(owner: Machine, movespec: MoveSpec) -> None:
    session_id = owner.create_session(movespec).json()["session_id"]
    at = datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
    DetectionSession.objects.update(
        created_at=at, accepted_frames_total=1234, repetitions={"squat": 9, "lunge": 3},
        status="cancelled", terminal_outcome="expired",
        ended_at=at, deadline_at=None,
    )  # fmt: skip
    assert downloaded(member("support"), SESSIONS) == [
        [
            "id", "customer", "MoveSpec", "status", "repetitions", "frames", "created",
            "subject", "parameters", "metadata", "locale",
        ],
        [
            session_id, "Acme / owner", "Squat, version 1", "never connected", "12", "1234",
            "2026-01-05T12:00:00.250000Z", "", "", "", "",
        ],
    ]  # fmt: skip


def test_it_is_an_attachment_with_the_lists_name_and_the_day(
    owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: datetime(2026, 11, 27, 1, tzinfo=UTC))
    answer = member("support").get(SESSIONS)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="detection-sessions-2026-11-27.csv"'
    )


def test_it_has_every_page_of_what_is_asked(
    owner: Machine, movespec: MoveSpec, outsider: Machine
) -> None:
    other, _ = make_released(outsider.project)
    add_sessions(owner, movespec, 1203, created_at="now() - (n / 7) * interval '1 second'")
    add_sessions(outsider, other, 3)
    newest = DetectionSession.objects.order_by("-created_at", "-id")
    mine = newest.filter(project=owner.project)
    client = member("support")
    asked = {"organization": str(owner.organization.id), "status__exact": "cancelled"}
    for found, expected in ((None, newest), (asked, mine)):
        rows = ids(downloaded(client, SESSIONS, found))
        assert rows == [str(id_) for (id_,) in expected.values_list("id")]
    page = client.get(SESSIONS.removesuffix("csv/"), asked)
    link = 'href="csv/?organization={organization}&amp;status__exact={status__exact}"'
    assert link.format(**asked) in page.content.decode()


DOWNLOADABLE = sorted(
    (model for model, page in admin.site._registry.items() if isinstance(page, DownloadableAdmin)),
    key=lambda model: model._meta.label,
)


@pytest.mark.parametrize("model", DOWNLOADABLE, ids=lambda model: model._meta.label)
def test_every_list_is_downloaded_with_what_it_shows(
    owner: Machine, movespec: MoveSpec, model: Any
) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    ask_to_erase(owner.project)
    make_delivery(make_endpoint(owner.project))
    page = address(model, "changelist")
    lines = downloaded(client, f"{page}csv/")
    shown = client.get(page).context["cl"].result_count
    assert len(lines) == 1 + shown
    text = str(lines)
    assert "<" not in text
    assert "secret_hash" not in text
    assert owner.secret not in text


@at_length("role", *ROLES)
def test_who_may_not_see_a_list_downloads_none(owner: Machine, role: str) -> None:
    client = member(role)
    for model in DOWNLOADABLE:
        page = address(model, "changelist")
        assert client.get(f"{page}csv/").status_code == client.get(page).status_code
    noted = LogEntry.objects.count()
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody", is_staff=True))
    for model in DOWNLOADABLE:
        assert nobody.get(f"{address(model, 'changelist')}csv/").status_code == 403
        assert Client().get(f"{address(model, 'changelist')}csv/").status_code == 302
    assert client.post(SESSIONS).status_code == 405
    assert LogEntry.objects.count() == noted


def test_a_download_is_noted_with_who_and_what(owner: Machine) -> None:
    client = member("support", "sam")
    downloaded(client, SESSIONS, {"status__exact": "failed"})
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_repr, entry.get_change_message()) == (
        "sam",
        "list as CSV",
        "Downloaded: status__exact=failed.",
    )
    assert client.get(SESSIONS, {"status__exact": "alive"}).status_code == 400
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\t'=1"),
        ("x;=1", "x;'=1"),
        ("\u3000＝1", "'\u3000＝1"),  # noqa: RUF001
        ("\u00a0=1", "'\u00a0=1"),
        ("\u2003\u200b=1", "'\u2003\u200b=1"),
        ("x;\u2028+1", "x;\u2028'+1"),
        # A quote is dropped where a cell begins: so it hides nothing.
        ('"=1', "'\"=1"),
        ('x; "" \u200b"@SUM(A1)', 'x;\' "" \u200b"@SUM(A1)'),
        ("\x00=1", "\x00'=1"),
        ("a=1; b=2", "a=1; b=2"),
        ("x, -1", "x, -1"),
        ({"a": -1}, '{"a": -1}'),
        (-1, -1),
        (None, None),
    ],
)
def test_a_text_is_no_formula(value: object, written: object) -> None:
    assert cell(value) == written


def test_a_list_that_breaks_off_says_so(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sessions(owner, movespec, 3)

    def breaks(_: object) -> Any:
        yield from DetectionSession.objects.all()[:1]
        raise DatabaseError

    monkeypatch.setattr("staff.session_list.SessionChangeList.every_row", breaks)
    got = []
    with pytest.raises(DatabaseError):
        got.extend(member("support").get(SESSIONS).streaming_content)
    lines = list(csv.reader(io.StringIO(b"".join(got).decode())))
    assert len(lines) == 3
    assert lines[-1] == [CUT]


def test_a_download_reads_pages_by_short_statements(owner: Machine, movespec: MoveSpec) -> None:
    add_sessions(owner, movespec, 1203)
    answer = member("support").get(SESSIONS)
    following = iter(answer.streaming_content)
    with CaptureQueriesContext(connection) as first:
        next(following)
    with CaptureQueriesContext(connection) as rest:
        chunks = list(following)
    # The ids and the rows; then of two more pages.
    assert (len(first), len(rest), len(chunks)) == (2, 4, 2)
