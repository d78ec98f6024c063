"""A list has what is stored, in its order, page by page."""

import random
import re
import uuid
from dataclasses import replace
from functools import partial
from itertools import chain, product
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import Q
from django.test import Client
from lifecycle_scene import START, at

from kynaplatform.api.keyset import Place, cursor_at, place
from movespecs.models import MoveSpec
from projects.models import Project
from sessions_app.listing import sessions_list
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status
from sessions_app.session_filters import LIVE, UNCOUNTED, AnyOf, SessionFilters
from tests.conftest import SESSIONS, VALID_YAML, Machine, make_released, make_version
from tests.long_runs import one_in

STAFF_LIST = "/admin/sessions_app/detectionsession/"
COUNT = 50
# A few seconds hold them all, so that some are of one moment.
MOMENTS = 30


def make_sessions(movespec: MoveSpec, versions: list[UUID], chance: random.Random) -> None:
    """Of every state. A deadline that has passed makes no difference."""
    made = []
    for _ in range(COUNT):
        status = chance.choice(Status.values)
        columns: dict[str, Any] = {"ended_at": START, "terminal_outcome": "failed"}
        if status in LIVE_STATUSES:
            columns = {"deadline_at": at(chance.choice([-1, 50]))}
        made.append(
            DetectionSession(
                id=UUID(int=chance.getrandbits(128)),
                project_id=movespec.project_id,
                resolved_version_id=chance.choice(versions),
                mode=chance.choice(Mode.values),
                status=status,
                contract_major=1,
                created_at=at(-chance.randrange(MOMENTS)),
                signing_key_id=uuid.uuid4(),
                runtime_token_expires_at=START,
                stream_url="",
                events_total=3,
                # Of some the counters miss events.
                counted_events_total=chance.choice([2, 3, 3]),
                repetitions=chance.choice([{}, {"squat": 1}]),
                subject=chance.choice([None, "p_1", "p_2"]),
                metadata=chance.choice([None, {"clinic": "north"}]),
                # In place of a credential's, which is one project's.
                created_by=chance.choice([None, movespec.project_id]),
                **columns,
            )
        )
    DetectionSession.objects.bulk_create(made)


@pytest.fixture
def asked(owner: Machine, movespec: MoveSpec, outsider: Machine) -> list[SessionFilters]:
    """What is asked of sessions of three projects: one has two versions, one another owner."""
    chance = random.Random(9)  # noqa: S311
    other, version = make_released(outsider.project)
    versions = [movespec.current_released_version_id]
    versions.append(make_version(movespec.id, f"{VALID_YAML}# Another.").id)
    make_sessions(movespec, versions, chance)
    make_sessions(other, [version.id], chance)
    sibling = make_released(Project.objects.create(organization=owner.organization, name="Two"))
    make_sessions(sibling[0], [sibling[1].id], chance)
    organization = SessionFilters(organization_id=owner.organization.id)
    project = SessionFilters(project_id=owner.project.id)
    scopes = [SessionFilters(), organization, project, replace(project, version_id=versions[1])]
    # Of a project with two versions the sessions of one are named twice.
    named = AnyOf([owner.project.id], [versions[1], sibling[1].id])
    scopes += [replace(one, any_of=named) for one in (SessionFilters(), organization, project)]
    scopes.append(SessionFilters(any_of=AnyOf([], [versions[0]])))
    scopes += [replace(one, subject="p_1") for one in (organization, project, scopes[3])]
    of_project = AnyOf([owner.project.id, outsider.project.id], [])
    scopes.append(SessionFilters(any_of=of_project, subject="p_1"))
    # A note of so many that its index is not asked.
    made = replace(project, created_by=owner.project.id)
    scopes += [made, replace(made, note="north"), replace(project, note="north")]
    between = {"created_after": at(-25), "created_before": at(-5)}
    return [
        replace(scope, status=status, mode=chance.choice([None, "live"]), **more)
        for scope, status in product(scopes, [None, LIVE, UNCOUNTED, *Status.values])
        for more in ({}, between)
    ]


def stored(asked: SessionFilters) -> list[UUID]:
    """By the database's own filters and order."""
    conditions = {
        "project__organization_id": asked.organization_id,
        "project_id": asked.project_id,
        "resolved_version_id": asked.version_id,
        "status__in": asked.statuses,
        "mode": asked.mode,
        "subject": asked.subject,
        "created_by": asked.created_by,
        "created_at__gt": asked.created_after,
        "created_at__lt": asked.created_before,
    }
    rows = DetectionSession.objects.filter(
        **{name: value for name, value in conditions.items() if value is not None}
    )
    if asked.any_of:
        projects, versions = asked.any_of
        rows = rows.filter(Q(project__in=projects) | Q(resolved_version__in=versions))
    if asked.note:
        rows = rows.filter(metadata={"clinic": asked.note})
    if asked.status == UNCOUNTED:
        rows = rows.filter(repetitions={}, counted_events_total=3)
    return list(rows.order_by("-created_at", "-id").values_list("id", flat=True))


def pages(
    asked: SessionFilters, start: Place, size: int, most_passed_over: int
) -> list[list[UUID]]:
    """The ids of each page from `start` on, to where no further one is told of."""
    found = []
    following: Place | None = start
    while following:
        listed = sessions_list(asked, start=following, size=size, most_passed_over=most_passed_over)
        assert all(session.status in asked.statuses for session in listed.sessions)
        found.append([session.id for session in listed.sessions])
        following = listed.older if start.towards == "older" else listed.newer
    return found


FROM_NEWEST = Place("older", at(1), UUID(int=0))
FROM_OLDEST = Place("newer", at(-MOMENTS), UUID(int=0))
CURSOR = cursor_at(FROM_NEWEST.created_at, FROM_NEWEST.id)


@one_in(17)
@pytest.mark.parametrize(
    ("size", "most_passed_over", "may_be_short"),
    [(7, 500, False), pytest.param(500, 0, False, marks=pytest.mark.long), (5, 0, True)],
)
def test_all_pages_together_are_what_is_stored(
    asked: list[SessionFilters],
    size: int,
    most_passed_over: int,
    may_be_short: bool,
    every: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sessions_app.notes.MAX_WITH_A_NOTE", 5)
    asked = asked[::every]
    older, newer = (
        [pages(one, start, size, most_passed_over) for one in asked]
        for start in (FROM_NEWEST, FROM_OLDEST)
    )
    expected = [stored(one) for one in asked]
    assert [list(chain(*found)) for found in older] == expected
    assert [list(chain(*reversed(found))) for found in newer] == expected
    whole = [len(page) == size for found in older + newer for page in found[:-1]]
    assert all(whole) is not may_be_short


@pytest.fixture
def created(movespec: MoveSpec) -> list[UUID]:
    """Ten of one person, the newest first; from the fourth to the ninth they are replays."""
    return [
        DetectionSession.objects.create(
            project_id=movespec.project_id,
            resolved_version_id=movespec.current_released_version_id,
            mode="replay" if 3 <= number <= 8 else "live",
            status="created",
            contract_major=1,
            created_at=at(-number),
            deadline_at=at(60),
            signing_key_id=uuid.uuid4(),
            runtime_token_expires_at=START,
            stream_url="",
            subject="p_1",
        ).id
        for number in range(10)
    ]


LOOKS_AT_LITTLE = partial(sessions_list, most_passed_over=0)


def test_a_short_page_of_the_api_leads_on(
    owner: Machine, created: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.token = owner.token_with("sessions:read")
    monkeypatch.setattr("sessions_app.views.sessions_list", LOOKS_AT_LITTLE)
    address, found = f"{SESSIONS}?subject=p_1&mode=live&limit=2", []
    while address:
        page = owner.get(address)
        found.append([created.index(UUID(record["session_id"])) for record in page.json()])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', page.headers.get("Link", ""))
        address = link[1] if link else ""
    assert found == [[0, 1], [2], [], [9]]


def test_a_short_page_of_staff_leads_on_and_back(
    created: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staff.session_list.sessions_list", LOOKS_AT_LITTLE)
    monkeypatch.setattr("staff.sessions.DetectionSessionAdmin.list_per_page", 2)
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))

    def walk(asked: str, label: str) -> tuple[list[list[int]], str]:
        found = []
        while True:
            shown = staff.get(STAFF_LIST + asked).context["cl"]
            found.append([created.index(session.id) for session in shown.result_list])
            links = dict(shown.neighbours)
            if label not in links:
                return found, asked
            asked = links[label]

    there, last = walk("?q=subject:p_1&mode__exact=live", "Older")
    assert there == [[0, 1], [2], [], [9]]
    back, _ = walk(last, "Newer")
    assert back == [[9], [], [], [1, 2], [0]]


@pytest.mark.parametrize(
    "text",
    [
        f"sideways,{CURSOR}",
        CURSOR,
        f"older,{CURSOR[:-4]}",
        f"older,{'_' * 32}",
        f"newer,{at(1).isoformat()}",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    assert place(f"older,{CURSOR}") == FROM_NEWEST
    with pytest.raises((ValueError, OverflowError)):
        place(text)
