"""Staff read, compare, release, roll back to and withdraw versions."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movespecs.authors import PLATFORM
from movespecs.drafts import movespec_archive, movespec_create
from movespecs.models import MoveSpec, MoveSpecVersion, Release
from movespecs.releases import version_release
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession
from tests.admin.staffing import address, member, text_of
from tests.api.asking import database_state
from tests.concurrency.racing import race
from tests.conftest import VALID_YAML, Machine, error_of, make_version

SECOND = VALID_YAML.replace("angle_max: 100", "angle_max: 95")
WARNED = VALID_YAML.replace("angle_max: 100", "angle_max: 165")


@pytest.fixture
def manager(db: None) -> Client:
    return member("release managers", "grace")


@pytest.fixture
def first(movespec: MoveSpec) -> MoveSpecVersion:
    return movespec.versions.get()


@pytest.fixture
def second(movespec: MoveSpec) -> MoveSpecVersion:
    return make_version(movespec.id, SECOND)


def act(client: Client, version: MoveSpecVersion, name: str, **more: str) -> Any:
    """Open the page of the action, and send it as a browser would."""
    shown = client.get(address(version, name))
    assert shown.status_code == 200
    return send(client, version, name, seen_on(shown), **more)


def send(client: Client, version: MoveSpecVersion, name: str, seen: str, **more: str) -> Any:
    body = {"reason": "It counts shallow squats.", "seen": seen, **more}
    return client.post(address(version, name), body, follow=True)


def seen_on(page: Any) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', text_of(page))
    return found[1] if found else ""


def previewed_on(page: Any) -> str:
    found = re.search(r'name="previewed" value="([^"]*)"', text_of(page))
    return found[1] if found else ""


def withdraw_for(
    client: Client, version: MoveSpecVersion, other: MoveSpecVersion, **more: str
) -> Any:
    """Choose what replaces the released version, look at what changes, and withdraw."""
    shown = act(client, version, "withdraw", replacement=str(other.id), preview="yes")
    more |= {"replacement": str(other.id), "previewed": previewed_on(shown)}
    return send(client, version, "withdraw", seen_on(shown), **more)


def latest_release_of(movespec: MoveSpec) -> str:
    return str(Release.objects.filter(movespec=movespec).latest("id").id)


def released_of(movespec: MoveSpec) -> Any:
    return MoveSpec.objects.get(id=movespec.id).current_released_version_id


def history_of(movespec: MoveSpec) -> list[tuple[Any, ...]]:
    """From, to, who and why of each release, the newest first."""
    return [
        (
            one.from_version and one.from_version.version_number,
            one.to_version and one.to_version.version_number,
            one.released_by_staff and one.released_by_staff.username,
            one.reason,
        )
        for one in Release.objects.filter(movespec=movespec)
    ]


def test_a_version_page_shows_its_yaml_with_numbers(
    manager: Client, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second)))

    lines = re.findall(r'<tr id="line-(\d+)"[^>]*><td class="number">\1</td>', page)
    assert [int(number) for number in lines] == list(range(1, 15))
    assert "The YAML is valid and has no warnings." in page


def test_a_version_page_marks_the_line_of_a_warning(manager: Client, movespec: MoveSpec) -> None:
    version = make_version(movespec.id, WARNED)

    page = text_of(manager.get(address(version)))

    assert page.count('class="warning"') == 2  # in the summary, and at the line
    assert re.search(r'<a href="#line-(\d+)">line \1</a>', page)
    assert re.search(r'<tr id="line-\d+" class="warning">', page)


def test_a_version_page_compares_with_the_released_one(
    manager: Client, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second)))

    assert "From version 1 to version 2" in page
    assert "<del>100</del>" in page
    assert "<ins>95</ins>" in page
    assert "unchanged lines" in page
    assert "unchanged lines" not in text_of(manager.get(address(second), {"whole": "yes"}))


def test_a_version_page_compares_with_any_other(
    manager: Client, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(second.movespec_id, WARNED)

    page = text_of(manager.get(address(third), {"against": str(second.id)}))

    assert "From version 2 to version 3" in page
    for asked in (str(third.id), "nonsense", "00000000-0000-0000-0000-000000000000"):
        page = text_of(manager.get(address(third), {"against": asked}))
        assert "From version 1 to version 3" in page


def test_the_released_version_is_compared_with_the_one_before(
    manager: Client, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    act(manager, second, "release")
    assert "From version 1 to version 2" in text_of(manager.get(address(second)))


def test_what_an_author_wrote_is_shown_as_text(manager: Client, movespec: MoveSpec) -> None:
    hostile = VALID_YAML + "# <script>alert(1)</script> \u202e\u200b\n"
    version = make_version(movespec.id, hostile)

    for page in (address(version), address(version, "release")):
        shown = text_of(manager.get(page))
        assert "<script>alert(1)" not in shown
        assert "&lt;script&gt;alert(1)" in shown
        assert "[U+202E][U+200B]" in shown
        assert "\u202e" not in shown


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
        "In the last day 3 sessions resolved to version 1, the released one; "
        "2 sessions of it are alive." in page
    )
    assert "<strong>Warning</strong>" in page
    assert "<ins>165</ins>" in page


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
        "Released version 2 of Acme / owner / Squat. Reason: It counts shallow squats."
    )
    page = text_of(manager.get(address(movespec)))
    assert "It counts shallow squats." in page
    assert page.index("grace") < page.index("the platform")


def test_an_api_release_is_in_the_history_with_its_credential(
    manager: Client, owner: Machine, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    path = f"/api/movespecs/{movespec.id}/versions/{second.id}/release"
    assert owner.post(path).status_code == 200

    page = text_of(manager.get(address(movespec)))

    assert f"API key owner&#x27;s key ({owner.credential.id})" in page


@pytest.mark.parametrize("name", ["release", "withdraw"])
@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_a_reason_is_required(
    manager: Client, movespec: MoveSpec, second: MoveSpecVersion, name: str, reason: str
) -> None:
    before = database_state()
    answer = act(manager, second, name, reason=reason)
    assert answer.status_code == 200
    assert "errorlist" in text_of(answer)
    assert changed_by_staff(before) == set()


def changed_by_staff(before: dict[str, Any]) -> set[str]:
    """The tables that changed, but for the sessions of staff, which every request may touch."""
    after = database_state()
    return {table for table in after if after[table] != before[table]} - {"django_session"}


def test_the_released_version_offers_no_release(manager: Client, first: MoveSpecVersion) -> None:
    page = text_of(manager.get(address(first)))
    assert address(first, "release") not in page
    assert address(first, "roll-back") not in page
    assert address(first, "withdraw") in page


def test_staff_roll_back_from_the_movespec_page(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    act(manager, second, "release")
    page = text_of(manager.get(address(movespec)))
    assert "Roll back to version 1 …" in page
    assert address(first, "roll-back") in page
    assert address(first, "roll-back") in text_of(manager.get(address(first)))
    assert address(first, "release") not in text_of(manager.get(address(first)))

    answer = act(manager, first, "roll-back", reason="Version 2 counts nothing.")

    assert "Rolled back to version 1 of Acme / owner / Squat." in text_of(answer)
    assert history_of(movespec)[0] == (2, 1, "grace", "Version 2 counts nothing.")
    assert "Roll back" not in text_of(manager.get(address(movespec)))


def test_the_movespec_page_offers_no_withdrawn_version(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    act(manager, second, "release")
    act(manager, first, "withdraw")
    page = text_of(manager.get(address(movespec)))
    assert "Roll back" not in page


def test_withdrawing_an_unreleased_version_changes_no_release(
    manager: Client, owner: Machine, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second, "withdraw")))
    assert "How it differs from the released version" in page
    assert "What replaces it" not in page

    answer = act(manager, second, "withdraw", reason="A typo.")

    assert "Withdrew version 2 of Acme / owner / Squat." in text_of(answer)
    second.refresh_from_db()
    assert second.withdrawn_at is not None
    assert second.withdrawn_by_staff == User.objects.get(username="grace")
    assert second.withdrawal_reason == "A typo."
    assert history_of(movespec) == [(None, 1, None, "")]
    shown = text_of(manager.get(address(second)))
    assert "A typo." in shown
    assert address(second, "release") not in shown
    assert address(second, "withdraw") not in shown


def test_withdrawing_the_released_version_asks_what_replaces_it(
    manager: Client,
    owner: Machine,
    movespec: MoveSpec,
    first: MoveSpecVersion,
    second: MoveSpecVersion,
) -> None:
    before = database_state()
    unanswered = act(manager, first, "withdraw")
    assert "This field is required." in text_of(unanswered)
    assert changed_by_staff(before) == set()

    preview = act(manager, first, "withdraw", replacement=str(second.id), preview="yes", reason="")
    assert "<ins>95</ins>" in text_of(preview)
    assert "errorlist" not in text_of(preview)
    assert f'<option value="{second.id}" selected>' in text_of(preview)
    assert changed_by_staff(before) == set()

    assert previewed_on(preview) == str(second.id)
    answer = withdraw_for(manager, first, second, reason="Unsafe.")

    assert "Withdrew version 1 of Acme / owner / Squat; version 2 replaces it." in text_of(answer)
    assert released_of(movespec) == second.id
    assert history_of(movespec)[0] == (1, 2, "grace", "Unsafe.")
    pinned = owner.create_session(movespec, movespec_version_id=str(first.id))
    assert error_of(pinned)["code"] == "movespec_version_withdrawn"


def test_a_released_version_can_be_withdrawn_for_nothing(
    manager: Client, owner: Machine, movespec: MoveSpec, first: MoveSpecVersion
) -> None:
    act(manager, first, "withdraw", replacement="nothing", reason="Unsafe.")

    assert released_of(movespec) is None
    assert history_of(movespec)[0] == (1, None, "grace", "Unsafe.")
    assert error_of(owner.create_session(movespec))["code"] == "movespec_not_released"
    assert "the released version" not in text_of(manager.get(address(movespec)))


def test_a_replacement_must_be_another_version_of_the_movespec_that_was_not_withdrawn(
    manager: Client, movespec: MoveSpec, public_movespec: MoveSpec, first: MoveSpecVersion
) -> None:
    withdrawn = make_version(movespec.id, SECOND)
    act(manager, withdrawn, "withdraw")
    before = database_state()
    for wrong in (public_movespec.versions.get().id, withdrawn.id, first.id, "nonsense"):
        answer = act(manager, first, "withdraw", replacement=str(wrong))
        assert "is not one of the available choices" in text_of(answer)
    assert changed_by_staff(before) == set()


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


def test_a_release_that_was_taken_back_meanwhile_is_told(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    """What is released is what it was, and yet a colleague knows better by now."""
    seen = seen_on(manager.get(address(second, "release")))
    alan = member("operators", "alan")
    act(alan, second, "release", reason="A try.")
    act(alan, first, "roll-back", reason="It counts nothing.")
    before = database_state()

    told = send(manager, second, "release", seen)

    assert told.status_code == 409
    assert re.search(
        r"meanwhile alan released version 2 at [\d :-]+ UTC\. Reason: A try\. "
        r"Then alan released version 1 at [\d :-]+ UTC\. Reason: It counts nothing\.",
        text_of(told),
    )
    assert changed_by_staff(before) == set()
    assert "Released version 2" in text_of(send(manager, second, "release", seen_on(told)))


def test_of_many_releases_since_the_first_are_told(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, WARNED)
    seen = seen_on(manager.get(address(third, "release")))
    for version in [second, first] * 6:
        version_release(
            movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=timezone.now()
        )

    told = text_of(send(manager, third, "release", seen))

    assert told.count("an API client released version") == 10
    assert "Then 2 more, which the MoveSpec&#x27;s page lists." in told


@pytest.mark.parametrize("seen", ["", "0", "-1", "nonsense"])
def test_who_saw_no_release_changes_nothing(
    manager: Client, second: MoveSpecVersion, seen: str
) -> None:
    before = database_state()
    assert send(manager, second, "release", seen).status_code in (200, 409)
    assert changed_by_staff(before) == set()


def test_looking_at_what_changes_tells_of_what_a_colleague_did(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, WARNED)
    seen = seen_on(manager.get(address(first, "withdraw")))
    alan = member("operators", "alan")
    act(alan, second, "release", reason="A try.")
    act(alan, first, "roll-back", reason="Back.")
    before = database_state()

    told = send(
        manager, first, "withdraw", seen, reason="Mine.", replacement=str(third.id), preview="yes"
    )

    assert told.status_code == 409
    page = text_of(told)
    assert "meanwhile alan released version 2" in page
    assert "Then alan released version 1" in page
    assert "Mine." in page
    assert f'<option value="{third.id}" selected>' in page
    assert "From version 1 to version 3" in page
    assert seen_on(told) == latest_release_of(movespec)
    assert changed_by_staff(before) == set()


def test_a_replacement_is_seen_before_it_is_released(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, WARNED)
    looked = act(manager, first, "withdraw", replacement=str(second.id), preview="yes")
    assert previewed_on(looked) == str(second.id)
    before = database_state()

    for previewed in ("", str(second.id)):
        asked = send(
            manager, first, "withdraw", seen_on(looked),
            reason="Mine.", replacement=str(third.id), previewed=previewed,
        )  # fmt: skip
        assert asked.status_code == 409
        page = text_of(asked)
        assert "Nothing was changed yet: see what changes below" in page
        assert "From version 1 to version 3" in page
        assert "<strong>Warning</strong>" in page
        assert "Mine." in page
        assert f'<option value="{third.id}" selected>' in page
        assert previewed_on(asked) == str(third.id)
    assert changed_by_staff(before) == set()

    more = {"replacement": str(third.id), "previewed": previewed_on(asked)}
    done = send(manager, first, "withdraw", seen_on(asked), **more)
    assert "Withdrew version 1 of Acme / owner / Squat; version 3 replaces it." in text_of(done)


def test_a_replacement_that_was_not_seen_does_not_hide_what_a_colleague_did(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    seen = seen_on(manager.get(address(first, "withdraw")))
    alan = member("operators", "alan")
    act(alan, second, "release")
    act(alan, first, "roll-back")

    told = send(manager, first, "withdraw", seen, replacement=str(second.id))

    assert told.status_code == 409
    assert "meanwhile alan released version 2" in text_of(told)


def test_while_nothing_is_released_a_release_is_compared_with_what_was_last(
    manager: Client, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    act(manager, first, "withdraw", replacement="nothing")

    page = text_of(manager.get(address(second, "release")))

    assert "No version is released: new sessions are refused." in page
    assert "How it differs from the version that was released last" in page
    assert "From version 1 to version 2" in page
    assert "<ins>95</ins>" in page


def test_before_the_first_release_a_release_shows_the_yaml(manager: Client, owner: Machine) -> None:
    draft = movespec_create(
        project_id=owner.project.id, name="New", description=None, author=PLATFORM,
        now=timezone.now(),
    )  # fmt: skip
    version = make_version(draft.id, WARNED)

    page = text_of(manager.get(address(version, "release")))

    assert 'class="diff"' not in page
    assert len(re.findall(r'<tr id="line-\d+"', page)) == 14
    assert "<strong>Warning</strong>" in page
    assert "Released version 1 of Acme / owner / New." in text_of(act(manager, version, "release"))


def test_withdrawing_what_is_not_released_tells_what_runs_it(
    manager: Client, owner: Machine, movespec: MoveSpec, first: MoveSpecVersion,
    second: MoveSpecVersion,
) -> None:  # fmt: skip
    act(manager, second, "release")
    owner.create_session(movespec)
    for _ in range(3):
        owner.create_session(movespec, movespec_version_id=str(first.id))
    ended = DetectionSession.objects.filter(resolved_version=first).latest("created_at")
    session_cancel(session_id=ended.id, project_id=owner.project.id, now=timezone.now())

    page = text_of(manager.get(address(first, "withdraw")))

    assert (
        "In the last day 3 sessions resolved to version 1, this one; 2 sessions of it are alive."
        in page
    )
    assert (
        "In the last day 1 session resolved to version 2, the released one; "
        "1 session of it is alive." in page
    )


@pytest.mark.parametrize(
    "text", [VALID_YAML.rstrip("\n"), VALID_YAML.replace("\n", "\r\n")], ids=["end", "crlf"]
)
def test_texts_of_the_same_lines_are_not_called_the_same(
    manager: Client, movespec: MoveSpec, text: str
) -> None:
    version = make_version(movespec.id, text)
    page = text_of(manager.get(address(version)))
    assert "have the same text" not in page
    assert "have the same lines. Their texts differ in line endings" in page


def test_the_same_text_is_called_the_same(manager: Client, movespec: MoveSpec) -> None:
    make_version(movespec.id, SECOND)
    again = make_version(movespec.id, VALID_YAML)
    assert "Versions 1 and 3 have the same text." in text_of(manager.get(address(again)))


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


def test_withdrawing_what_a_colleague_released_meanwhile_is_told(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    """The page asked for no replacement, since the version was not released then."""
    seen = seen_on(manager.get(address(second, "withdraw")))
    act(member("operators", "alan"), second, "release")
    before = database_state()

    told = send(manager, second, "withdraw", seen)

    assert told.status_code == 200
    assert "What replaces it" in text_of(told)
    assert changed_by_staff(before) == set()
    told = send(manager, second, "withdraw", seen, replacement=str(first.id))
    assert told.status_code == 409
    assert "meanwhile alan released version 2" in text_of(told)
    assert changed_by_staff(before) == set()


def test_withdrawing_what_a_colleague_withdrew_meanwhile_is_told(
    manager: Client, second: MoveSpecVersion
) -> None:
    seen = seen_on(manager.get(address(second, "withdraw")))
    act(member("operators", "alan"), second, "withdraw", reason="First.")
    before = database_state()

    told = send(manager, second, "withdraw", seen)

    assert told.status_code == 409
    assert "The version was withdrawn." in text_of(told)
    assert changed_by_staff(before) == set()


def test_a_version_of_an_archived_movespec_is_left_alone(
    manager: Client, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    movespec_archive(movespec_id=movespec.id, now=timezone.now())
    before = database_state()

    page = text_of(manager.get(address(second)))
    assert address(second, "release") not in page
    answer = act(manager, second, "release")

    assert (answer.status_code, "The MoveSpec is archived." in text_of(answer)) == (409, True)
    assert changed_by_staff(before) == set()


@pytest.mark.parametrize("name", ["release", "roll-back", "withdraw"])
def test_support_may_look_but_not_act(
    movespec: MoveSpec, second: MoveSpecVersion, name: str
) -> None:
    support = member("support")
    assert support.get(address(second)).status_code == 200
    assert address(second, name) not in text_of(support.get(address(second)))
    before = database_state()

    assert support.get(address(second, name)).status_code == 403
    refused = support.post(address(second, name), {"reason": "x", "seen": ""})

    assert refused.status_code == 403
    assert changed_by_staff(before) == set()


@pytest.mark.parametrize("role", ["release managers", "operators"])
def test_release_managers_and_operators_release(
    movespec: MoveSpec, second: MoveSpecVersion, role: str
) -> None:
    act(member(role), second, "release")
    assert released_of(movespec) == second.id


def test_a_version_page_costs_the_same_queries_whatever_the_number(
    manager: Client, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    pages = [address(second), address(second, "release"), address(second, "withdraw")]

    def counted() -> list[int]:
        counts = []
        for page in pages:
            manager.get(page)
            with CaptureQueriesContext(connection) as queries:
                assert manager.get(page).status_code == 200
            counts.append(len(queries))
        return counts

    few = counted()
    for number in range(20):
        make_version(movespec.id, f"{VALID_YAML}# {number}\n")
    assert counted() == few
    assert max(few) <= 12


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
