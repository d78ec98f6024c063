"""Staff release versions, and roll back to them."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.models import MoveSpec, MoveSpecVersion, Release
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession
from staff.display import list_of
from tests.admin.staffing import address, member, text_of
from tests.admin.version_actions import (
    WARNED,
    act,
    changed_by_staff,
    history_of,
    latest_release_of,
    seen_on,
    send,
)
from tests.api.api_requests import database_state
from tests.concurrency.racing import race
from tests.conftest import SESSIONS, Machine, make_version


def test_the_confirmation_tells_what_a_release_does(
    manager: Client, owner: Machine, movespec: MoveSpec
) -> None:
    for _ in range(3):
        owner.create_session(movespec)
    ended = DetectionSession.objects.latest("created_at")
    session_cancel(session_id=ended.id, project_id=owner.project.id, now=timezone.now())
    version = make_version(movespec.id, WARNED)

    page = text_of(manager.get(address(version, "release")))

    assert "Every new session of Squat gets version 2 instead of version 1, at once." in page
    assert (
        "In the last day 3 sessions ran version 1, the released one; "
        "2 sessions of it are live now." in page
    )
    assert "<strong>Warning</strong>" in page
    assert "<ins>165</ins>" in page


def test_the_confirmation_counts_the_sessions_of_every_project_of_a_catalogues_movement(
    manager: Client, owner: Machine
) -> None:
    catalogue_load(now=timezone.now())
    squat = MoveSpec.objects.get(id=catalogue_id("squat"))
    body = {"mode": "live", "project_id": str(owner.project.id), "movement": "catalogue/squat"}
    assert owner.post(SESSIONS, body).status_code == 201
    version = make_version(squat.id, WARNED)
    page = text_of(manager.get(address(version, "release")))
    assert "In the last day 1 session ran version 1, the released one; 1 session of it is" in page


def test_a_release_reaches_the_next_session_and_the_history(
    manager: Client, owner: Machine, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    answer = act(manager, second, "release")

    assert "Released version 2 of Acme / owner / Squat." in text_of(answer)
    created = owner.create_session(movespec).json()
    assert created["resolved_movespec_version_id"] == str(second.id)
    assert history_of(movespec) == [
        (1, 2, "grace", "It counts shallow squats."),
        (None, 1, None, ""),
    ]
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == (
        "Released version 2 of Acme / owner / Squat.\nReason: It counts shallow squats."
    )
    releases = list_of(Release, movespec__id__exact=movespec.pk)
    assert releases in text_of(manager.get(address(movespec)))
    page = text_of(manager.get(releases))
    assert "It counts shallow squats." in page
    assert page.index("grace") < page.index("the platform")


def test_an_api_release_is_in_the_history_with_its_credential(
    manager: Client, support: Client, owner: Machine, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    path = f"/api/movespecs/{movespec.id}/versions/{second.id}/release"
    assert owner.post(path).status_code == 200

    page = text_of(support.get(list_of(Release)))
    assert re.search('<td class="field-who"><a href="[^"]+">owner&#x27;s key</a></td>', page)
    # Release managers view no credentials.
    page = text_of(manager.get(list_of(Release)))
    assert '<td class="field-who">owner&#x27;s key</td>' in page


@pytest.mark.parametrize(
    ("name", "reason"), [("release", ""), ("withdraw", "   "), ("release", "x" * 1001)]
)
def test_a_reason_is_required(
    manager: Client, movespec: MoveSpec, second: MoveSpecVersion, name: str, reason: str
) -> None:
    before = database_state()
    answer = act(manager, second, name, reason=reason)
    assert answer.status_code == 200
    assert "errorlist" in text_of(answer)
    assert changed_by_staff(before) == set()


def test_staff_roll_back_from_the_movespec_page(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    act(manager, second, "release")
    page = text_of(manager.get(address(movespec)))
    assert "Roll back to version 1 …" in page
    assert address(first, "roll-back") in page
    assert address(first, "roll-back") in text_of(manager.get(address(first)))
    assert address(first, "release") not in text_of(manager.get(address(first)))

    refused = send(manager, second, "roll-back", latest_release_of(movespec))
    assert refused.status_code == 409
    answer = act(manager, first, "roll-back", reason="Version 2 counts nothing.")

    assert "Rolled back to version 1 of Acme / owner / Squat." in text_of(answer)
    assert history_of(movespec)[0] == (2, 1, "grace", "Version 2 counts nothing.")
    assert "Roll back" not in text_of(manager.get(address(movespec)))


def test_the_second_of_two_staff_is_told_what_the_first_did(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, WARNED)
    seen = seen_on(manager.get(address(third, "release")))
    assert seen == latest_release_of(movespec)
    act(member("operators", "alan"), second, "release", reason="Deeper squats.")
    before = database_state()

    told = send(manager, third, "release", seen, reason="Mine.")

    assert told.status_code == 409
    page = text_of(told)
    assert re.search(
        r"Nothing was changed, for meanwhile alan released version 2 at "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Reason: Deeper squats\.",
        page,
    )
    assert changed_by_staff(before) == set()
    # The page is as things are now, what was typed is kept, and going on is one click.
    assert "From version 2 to version 3" in page
    assert "Mine." in page
    assert seen_on(told) == latest_release_of(movespec)
    answer = send(manager, third, "release", seen_on(told), reason="Mine.")
    assert "Released version 3 of Acme / owner / Squat." in text_of(answer)
    assert [to for _, to, _, _ in history_of(movespec)] == [3, 2, 1]


@pytest.mark.parametrize("seen", ["", "0", "nonsense"])
def test_who_saw_no_release_changes_nothing(
    manager: Client, second: MoveSpecVersion, seen: str
) -> None:
    before = database_state()
    assert send(manager, second, "release", seen).status_code in (200, 409)
    assert changed_by_staff(before) == set()


def test_releasing_what_a_colleague_released_is_told(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    before_it = latest_release_of(movespec)
    act(member("operators", "alan"), second, "release")
    before = database_state()

    for seen in (before_it, latest_release_of(movespec)):
        told = send(manager, second, "release", seen)
        assert told.status_code == 409
        assert "As things are now, there is nothing to do here." in text_of(told)
    assert "Version 2 is the released one already." in text_of(told)
    assert changed_by_staff(before) == set()


@pytest.mark.django_db(transaction=True)
def test_of_two_releases_at_once_exactly_one_happens(
    owner: Machine, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, WARNED)
    ada, alan = member("operators", "ada"), member("operators", "alan")
    seen = latest_release_of(movespec)

    answers = race(
        [
            lambda: send(ada, second, "release", seen),
            lambda: send(alan, third, "release", seen),
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (told,) = (answer for answer in answers if answer.status_code == 409)
    winner, number = ("alan", 3) if told is answers[0] else ("ada", 2)
    assert f"meanwhile {winner} released version {number}" in text_of(told)
    assert [one[:3] for one in history_of(movespec)] == [(1, number, winner), (None, 1, None)]
