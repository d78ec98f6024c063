"""A list reads a bounded number of rows and pages, whatever is asked or found."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from plans import (
    LIVE,
    add_sessions,
    analyze_sessions,
    explained,
    indexes_used,
    pages_read,
    run,
)

from kynaplatform.api.keyset import Place
from movespecs.models import MoveSpec
from sessions_app.listing import MAX_IGNORED, sessions_list
from sessions_app.models import LIVE_STATUSES, Status
from sessions_app.notes import MAX_WITH_A_NOTE, ids_with_note
from sessions_app.session_filters import LIVE as NOT_ENDED
from sessions_app.session_filters import UNCOUNTED, AnyOf, SessionFilters
from tests.conftest import SESSIONS, Machine, make_released
from tests.long_runs import at_length, one_in

STAFF_LIST = "/admin/sessions_app/detectionsession/"
SIZE = 100
MANY = 10 * MAX_IGNORED
ANY_STATUS = [None, UNCOUNTED, *Status.values]
PLANNED_ON = ["nothing", "one state", "another project"]


def most_rows(size: int) -> int:
    """Rows that a page may meet: six states in vain, all states' share, itself.

    Six are the live ones in both modes, of whose versions no index knows.
    """
    return 6 * (MAX_IGNORED + size + 1) + 12 * (size + 1) + size


def read() -> tuple[int, int]:
    """Rows that this transaction's scans of sessions met, and the pages that they asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_stat_get_xact_tuples_returned(oid)),"
            " sum(pg_stat_get_xact_blocks_fetched(oid)) "
            "FROM pg_class WHERE oid = 'detection_session'::regclass OR oid IN ("
            "SELECT indexrelid FROM pg_index WHERE indrelid = 'detection_session'::regclass)"
        )
        rows, pages = cursor.fetchone()
    return int(rows), int(pages)


class Reading:
    """What the statements within have read."""

    def __enter__(self) -> "Reading":
        self.before = read()
        return self

    def __exit__(self, *_: object) -> None:
        self.rows, self.pages = (
            after - before for after, before in zip(read(), self.before, strict=True)
        )

    def is_bounded(self, size: int, times: int = 1) -> bool:
        # A row may lie on a page of its own; an index is two or three deep.
        most = times * most_rows(size)
        return self.rows <= most and self.pages <= most + 200


def read_by(ask: Callable[[], object], size: int, times: int = 1) -> Reading:
    """What `ask` reads, or what it reads the second time: the first may meet in an index, once and
    for all, the many rows that another test has rolled back."""
    for _ in range(2):
        with Reading() as reading:
            ask()
        if reading.is_bounded(size, times):
            break
    return reading


def add_ended(owner: Machine, movespec: MoveSpec, status: str, count: int, **columns: str) -> None:
    ended = {"status": f"'{status}'", "terminal_outcome": f"'{status}'"}
    add_sessions(owner, movespec, count, **ended | columns)


def add_live(owner: Machine, movespec: MoveSpec, status: str, count: int, **columns: str) -> None:
    live = LIVE | {"status": f"'{status}'", "longest_until": "now() + interval '1 day'"}
    if status == "finalizing":
        live["finishing_outcome"] = "'completed'"
    add_sessions(owner, movespec, count, **live | columns)


def fill(owner: Machine, movespec: MoveSpec, outsider: Machine, other: MoveSpec) -> None:
    """Completed sessions of the owner, live ones of both, others that failed."""
    add_ended(owner, movespec, "completed", MANY)
    for status in ("failed", "cancelled"):
        add_ended(outsider, other, status, MANY)
    for status in LIVE_STATUSES:
        add_live(owner, movespec, status, MANY)
        add_live(outsider, other, status, MANY // 4)


@pytest.fixture
def other(outsider: Machine) -> MoveSpec:
    return make_released(outsider.project)[0]


@pytest.fixture
def large(
    owner: Machine, movespec: MoveSpec, outsider: Machine, other: MoveSpec, unchecked: None
) -> None:
    """So many that to read them all costs several times what a page of the longest does."""
    fill(owner, movespec, outsider, other)
    add_ended(owner, movespec, "completed", 12 * MANY)
    analyze_sessions()


def scopes(owner: Machine, movespec: MoveSpec) -> dict[str, SessionFilters]:
    project = SessionFilters(project_id=owner.project.id)
    return {
        "all": SessionFilters(),
        "project": project,
        "version": replace(project, version_id=movespec.current_released_version_id),
        "nobody": SessionFilters(project_id=uuid.uuid4()),
        "named": SessionFilters(
            any_of=AnyOf([owner.project.id], [movespec.current_released_version_id])
        ),
        "a movement": SessionFilters(any_of=AnyOf([], [uuid.uuid4()])),
    }


@one_in(17)
def test_it_reads_little_for_every_filter_from_every_place(
    large: None, owner: Machine, movespec: MoveSpec, every: int
) -> None:
    now = timezone.now()
    long_ago, just_now = (now - timedelta(seconds=ago) for ago in (MANY // 2, 60))
    from_there = [Place(way, long_ago, uuid.uuid4()) for way in ("older", "newer")]
    between = {"created_after": long_ago, "created_before": just_now}
    pages = [(None, {}), (None, between), *((start, {}) for start in from_there)]
    unbounded = []
    all_lists = product(scopes(owner, movespec).items(), ANY_STATUS, [None, "replay"], pages)
    for (scope, asked), status, mode, (start, more) in list(all_lists)[::every]:
        narrowed = replace(asked, status=status, mode=mode, **more)
        ask = partial(sessions_list, narrowed, start=start, size=SIZE)
        # What is named is read by its projects, and by its versions.
        times = 2 if narrowed.any_of else 1
        reading = read_by(ask, SIZE, times)
        if not reading.is_bounded(SIZE, times):
            unbounded.append((scope, status, mode, start, more, reading.rows, reading.pages))
    assert repr(unbounded) == "[]"


def test_an_organization_reads_a_row_of_each_project_and_a_page_of_the_newest(
    large: None, owner: Machine, movespec: MoveSpec
) -> None:
    projects = 200
    values = f"'{owner.organization.id}'::uuid, 'P ' || n, now()"
    run(
        "INSERT INTO projects_project (id, organization_id, name, created_at) "  # noqa: S608
        f"SELECT gen_random_uuid(), {values} FROM generate_series(1, {projects}) n"
    )
    of_all = "(SELECT array_agg(id) FROM projects_project WHERE name LIKE 'P %')"
    for status in Status.values:
        add = add_live if status in LIVE_STATUSES else add_ended
        add(owner, movespec, status, MANY, project_id=f"({of_all})[1 + n % {projects}]")
    analyze_sessions()
    asked = SessionFilters(organization_id=owner.organization.id)
    size = 10
    # Each project's first row, and all that may follow, with ties, in those with the newest.
    of_a_part = projects + 10 + (size + 1) * (size + 6)
    for one, most in [
        (asked, of_a_part),
        (replace(asked, status="completed"), 2 * of_a_part),
        (replace(asked, mode="live"), 6 * of_a_part),
        (replace(asked, status="cancelled", mode="live"), of_a_part),
        (replace(asked, status=NOT_ENDED), 6 * of_a_part),
    ]:
        ask = partial(sessions_list, one, start=None, size=size)
        assert len(ask().sessions) == size
        with Reading() as reading:
            ask()
        assert reading.rows <= most + size, one


def of_people(owner: Machine, movespec: MoveSpec, count: int, people: int) -> None:
    add_ended(
        owner, movespec, "completed", count,
        subject=f"'p_' || n % {people}",
        metadata="jsonb_build_object('order', 'o-' || n, 'clinic', 'c-' || n % 4)",
    )  # fmt: skip


@pytest.mark.parametrize("people", [1, 3, MANY])
def test_a_person_is_read_by_their_own_index(
    owner: Machine, movespec: MoveSpec, outsider: Machine, other: MoveSpec, people: int
) -> None:
    """However many there are, and whatever else the list is narrowed by."""
    of_people(owner, movespec, MANY, people)
    add_ended(outsider, other, "failed", 2 * MANY)
    analyze_sessions()
    asked = SessionFilters(project_id=owner.project.id, subject="p_0")
    for more in ({}, {"status": "completed"}, {"status": "failed"}, {"mode": "replay"}):
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            reading = read_by(
                partial(sessions_list, replace(asked, **more), start=None, size=SIZE), SIZE
            )
        met = MANY // people if people < MANY else 1
        assert reading.rows <= min(met, MAX_IGNORED + SIZE + 1) + 2 * SIZE + 10, more
        (statement,) = {query["sql"] for query in queries if "AS merged" in query["sql"]}
        run("SET LOCAL enable_sort = off")
        plan = explained(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        run("SET LOCAL enable_sort = on")
        assert indexes_used(plan) == {"detection_session": "session_of_subject"}


def test_a_note_is_found_by_its_index(owner: Machine, movespec: MoveSpec, unchecked: None) -> None:
    of_people(owner, movespec, 4 * MANY, MANY)
    add_live(owner, movespec, "streaming", 50, metadata="jsonb_build_object('order', 'o-7')")
    analyze_sessions()
    for note, found in (("o-7", 51), ("o-", 0), ("c-1", None)):
        with CaptureQueriesContext(connection) as queries:
            ids = ids_with_note(note)
        assert (None if ids is None else len(ids)) == found
        plan = explained(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queries[-1]['sql']}")
        used = indexes_used(plan)
        assert used["session_of_note"] == "session_of_note"
        assert used["detection_session_1"] == "session_deadline"
        assert pages_read(plan) < 2 * MAX_WITH_A_NOTE


@one_in(11)
def test_a_request_reads_little_and_never_an_engine_state(
    large: None, owner: Machine, every: int
) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))
    project = f"project__id__exact={owner.project.id}"
    filters = ["", *(f"status{{}}={status}" for status in Status.values), "mode{}=replay"]
    requests = [(owner.get, f"{SESSIONS}?limit=500&{one.format('')}", 500) for one in filters]
    for one, more in product(filters, ["", project]):
        requests.append((staff.get, f"{STAFF_LIST}?{one.format('__exact')}&{more}", 50))
    for get, address, size in requests[::every]:
        with CaptureQueriesContext(connection) as queries:
            reading = read_by(partial(get, address), size)
        assert get(address).status_code == 200
        assert reading.pages > 0, address
        assert reading.is_bounded(size), (address, reading.rows, reading.pages)
        read = " ".join(query["sql"] for query in queries)
        assert "engine_state" not in read


@pytest.fixture
def generic_plans() -> Iterator[None]:
    """Plans are made once, without looking at the values, on a connection that has none yet."""
    connection.close()
    run("SET plan_cache_mode = force_generic_plan")
    yield
    connection.close()


@at_length("planned_on, scope", *product(PLANNED_ON, ["project", "all", "version", "named"]))
@pytest.mark.django_db(transaction=True)
def test_its_plans_become_good_whatever_was_there_when_they_were_made(
    generic_plans: None,
    owner: Machine,
    movespec: MoveSpec,
    outsider: Machine,
    other: MoveSpec,
    planned_on: str,
    scope: str,
) -> None:
    asked = scopes(owner, movespec)[scope]
    if planned_on == "one state":
        add_ended(owner, movespec, "completed", MANY)
    if planned_on == "another project":
        add_ended(outsider, other, "completed", MANY)
    run("VACUUM ANALYZE detection_session")

    def read_all() -> list[tuple[str | None, int, int]]:
        found = []
        for status in ANY_STATUS:
            with Reading() as reading:
                sessions_list(replace(asked, status=status), start=None, size=SIZE)
            if not reading.is_bounded(SIZE, 2 if asked.any_of else 1):
                found.append((status, reading.rows, reading.pages))
        return found

    for _ in range(4):
        with transaction.atomic():
            read_all()
    fill(owner, movespec, outsider, other)
    analyze_sessions()
    # In one transaction, since PostgreSQL forgets its counts between two.
    with transaction.atomic():
        assert repr(read_all()) == "[]"
