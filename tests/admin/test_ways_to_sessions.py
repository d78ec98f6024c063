"""From anything to its sessions, and from who did something to them."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.models import MoveSpec, Release
from projects.models import AccessToken, ApiKey
from sessions_app.models import DetectionSession
from staff.display import list_of
from tests.admin.session_rows import HOUR, LIST, NOON, listed, make_session
from tests.admin.staffing import address, text_of
from tests.conftest import VALID_YAML, Machine, make_released, make_version


def links_in(page: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', page)]


@pytest.mark.parametrize(
    ("row", "filters"),
    [
        (lambda one: one, lambda one: {"movespec": one.pk}),
        (
            lambda one: one.current_released_version,
            lambda one: {"q": one.current_released_version_id},
        ),
        (lambda one: one.project, lambda one: {"project__id__exact": one.project_id}),
        (
            lambda one: one.project.organization,
            lambda one: {"organization": one.project.organization_id},
        ),
    ],
)  # fmt: skip
def test_a_page_leads_to_its_sessions(
    support: Client,
    movespec: MoveSpec,
    outsider: Machine,
    row: Callable[[MoveSpec], Any],
    filters: Callable[[MoveSpec], dict[str, Any]],
) -> None:
    mine = make_session(movespec)
    make_session(make_released(outsider.project)[0])
    there = list_of(DetectionSession, **filters(movespec))
    assert there in links_in(text_of(support.get(address(row(movespec)))))
    assert listed(support, **filters(movespec)) == [mine]


def test_a_key_leads_to_its_tokens_and_a_token_to_its_key(support: Client, owner: Machine) -> None:
    key = ApiKey.objects.get(pk=owner.credential.pk)
    there = list_of(AccessToken, credential__id__exact=key.pk)
    assert there in links_in(text_of(support.get(address(key))))
    shown = support.get(there)
    assert {row.credential_id for row in shown.context["cl"].result_list} == {key.pk}
    assert address(key) in links_in(text_of(shown))


def test_the_filter_by_movespec_is_of_all_its_versions_and_goes_with_the_others(
    superuser: Client, movespec: MoveSpec, owner: Machine, outsider: Machine
) -> None:
    second = make_version(movespec.id, VALID_YAML + "# two\n")
    first = make_session(movespec, created_at=NOON - HOUR, subject="p_1")
    newer = make_session(movespec, "failed", resolved_version_id=second.pk, mode="replay")
    live = make_session(movespec, "streaming", created_at=NOON - 2 * HOUR)
    due = make_session(movespec, "cancelled", created_at=NOON - 3 * HOUR)
    sibling, _ = make_released(owner.project, name="Lunge")
    make_session(sibling, subject="p_1")
    theirs, _ = make_released(outsider.project)
    make_session(theirs)
    asked = {"movespec": movespec.pk}
    project = owner.project.pk

    assert listed(superuser, **asked) == [newer, first, live, due]
    assert listed(superuser, **asked, status__exact="failed") == [newer]
    assert listed(superuser, **asked, status__exact="live") == [live]
    assert listed(superuser, **asked, mode__exact="replay") == [newer]
    assert listed(superuser, **asked, project__id__exact=project) == [newer, first, live, due]
    assert listed(superuser, **asked, q=second.pk) == [newer]
    assert listed(superuser, **asked, q="subject:p_1") == [first]
    assert listed(superuser, **asked, q=first) == [first]
    assert listed(superuser, **asked, q="lunge") == []
    assert listed(superuser, **asked, project__id__exact=outsider.project.pk) == []
    assert listed(superuser, **asked, organization=outsider.organization.pk) == []
    assert listed(superuser, **asked, q=theirs.current_released_version_id) == []
    assert listed(superuser, movespec=project) == []
    assert superuser.get(LIST, {"movespec": "x"}).status_code == 400
    digits = str(movespec.pk)[:8]
    chosen = f"<strong>Acme / owner / Squat · {digits}</strong>"
    assert chosen in text_of(superuser.get(LIST, asked))


def test_a_movement_of_the_catalogue_has_sessions_of_every_project(
    superuser: Client, owner: Machine, outsider: Machine
) -> None:
    catalogue_load(now=NOON - HOUR)
    squat = MoveSpec.objects.get(id=catalogue_id("squat"))
    first = make_session(squat, project_id=owner.project.id, created_at=NOON - HOUR)
    newer = make_session(squat, "streaming", project_id=outsider.project.id)
    asked = {"movespec": squat.pk}
    assert listed(superuser, **asked) == [newer, first]
    assert listed(superuser, **asked, status__exact="live") == [newer]
    assert listed(superuser, **asked, project__id__exact=owner.project.pk) == [first]
    assert listed(superuser, **asked, organization=outsider.organization.pk) == [newer]
    assert listed(superuser, q=squat.current_released_version_id) == [newer, first]


def test_who_made_something_is_a_name_that_leads_to_the_key(
    support: Client, owner: Machine, movespec: MoveSpec
) -> None:
    MoveSpec.objects.update(created_by=owner.credential.pk)
    made = make_version(movespec.id, VALID_YAML + "# by a key\n")
    Release.objects.create(
        movespec=movespec, to_version=made, released_by_credential=owner.credential.pk
    )
    key = ApiKey.objects.get(pk=owner.credential.pk)
    named = f'<a href="{address(key)}">{escape(key.name)}</a>'
    for page in (address(movespec), reverse("admin:movespecs_release_changelist")):
        assert named in text_of(support.get(page)), page


def test_a_key_leads_to_the_sessions_that_it_made_and_each_to_its_key(
    support: Client, owner: Machine, movespec: MoveSpec, outsider: Machine
) -> None:
    by = {"created_by": owner.credential.pk}
    theirs, _ = make_released(outsider.project)
    made = owner.create_session(movespec).json()["session_id"]
    DetectionSession.objects.filter(pk=made).update(created_at=NOON)
    ended = make_session(movespec, created_at=NOON - HOUR, subject="p_1", **by)
    due = make_session(movespec, "cancelled", created_at=NOON - 2 * HOUR, **by)
    make_session(movespec)  # by code from before
    make_session(movespec, "streaming", created_by=uuid.uuid4())
    make_session(theirs, created_by=outsider.credential.pk)
    key = ApiKey.objects.get(pk=owner.credential.pk)

    there = list_of(DetectionSession, key=key.pk)
    assert there in links_in(text_of(support.get(address(key))))
    asked = {"key": key.pk}
    assert listed(support, **asked) == [made, ended, due]
    assert listed(support, **asked, status__exact="cancelled") == [due]
    assert listed(support, **asked, movespec=movespec.pk) == [made, ended, due]
    assert listed(support, **asked, q="subject:p_1") == [ended]
    assert listed(support, **asked, q=due) == [due]
    assert listed(support, **asked, organization=outsider.organization.pk) == []
    assert listed(support, **asked, project__id__exact=outsider.project.pk) == []
    assert listed(support, key=uuid.uuid4()) == []
    assert support.get(LIST, {"key": "x"}).status_code == 400
    assert "<strong>Acme / owner / owner" in text_of(support.get(LIST, asked))

    session = DetectionSession.objects.get(pk=made)
    name = escape(key.name)
    shown = text_of(support.get(address(session)))
    assert f'<dt>Made by</dt><dd><a href="{address(key)}">{name}</a></dd>' in shown
