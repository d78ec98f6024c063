"""A list has what is stored, in its order, page by page."""

import random
import uuid
from dataclasses import replace
from itertools import chain, product
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lifecycle_scene import START, at

from common.keyset import Cursor
from movespecs.models import MoveSpec
from projects.models import Project
from sessions_app.listing import (
    LIVE,
    UNCOUNTED,
    AnyOf,
    SessionFilters,
    sessions_list,
)
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status
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
        rows = rows.filter(repetitions={})
    return list(rows.order_by("-created_at", "-id").values_list("id", flat=True))


def pages(asked: SessionFilters, start: Cursor, size: int) -> list[list[UUID]]:
    """The ids of each page from `start` on, to where no further one is told of."""
    found = []
    following: Cursor | None = start
    while following:
        listed = sessions_list(asked, start=following, size=size)
        found.append([session.id for session in listed.rows])
        following = listed.older if start.towards == "older" else listed.newer
    return found


FROM_NEWEST = Cursor("older", at(1), UUID(int=0))
FROM_OLDEST = Cursor("newer", at(-MOMENTS), UUID(int=0))


@one_in(17)
@pytest.mark.parametrize("size", [7, pytest.param(500, marks=pytest.mark.long)])
def test_all_pages_together_are_what_is_stored(
    asked: list[SessionFilters], size: int, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.listing.MAX_WITH_A_NOTE", 5)
    asked = asked[::every]
    older, newer = (
        [pages(one, start, size) for one in asked] for start in (FROM_NEWEST, FROM_OLDEST)
    )
    expected = [stored(one) for one in asked]
    assert [list(chain(*found)) for found in older] == expected
    assert [list(chain(*reversed(found))) for found in newer] == expected
    assert all(len(page) == size for found in older + newer for page in found[:-1])


def test_a_page_leads_back_to_the_one_before(asked: list[SessionFilters]) -> None:
    first = sessions_list(asked[0], start=None, size=5)
    second = sessions_list(asked[0], start=first.older, size=5)
    back = sessions_list(asked[0], start=second.newer, size=5)
    assert (back.rows, back.newer) == (first.rows, None)
    assert back.older == first.older


def test_a_list_reads_no_engine_state(owner: Machine) -> None:
    superuser = Client()
    superuser.force_login(User.objects.create_superuser("root"))
    for get, address in ((owner.get, SESSIONS), (superuser.get, STAFF_LIST)):
        with CaptureQueriesContext(connection) as queries:
            assert get(address).status_code == 200
        assert "engine_state" not in " ".join(query["sql"] for query in queries)
