"""Staff withdraw versions."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from movespecs.models import MoveSpec, MoveSpecVersion
from tests.admin.staffing import address, member, text_of
from tests.admin.version_actions import (
    SECOND,
    WARNED,
    act,
    changed_by_staff,
    history_of,
    released_of,
    seen_on,
    send,
)
from tests.api.api_requests import database_state
from tests.conftest import Machine, error_of, make_version


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
        assert asked.status_code == 200
        page = text_of(asked)
        assert '<li class="info">See what changes below. Then press Withdraw.</li>' in page
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
