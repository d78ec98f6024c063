"""Organizations and projects are suspended and resumed in the admin."""

from datetime import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects import models as suspension
from projects.models import Project
from sessions_app.models import DetectionSession
from tests.admin.staffing import LEVELS, address, do, do_many, last_history, limits, member, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, TOKENS, Machine
from tests.long_runs import at_length


@LEVELS
def test_suspending_refuses_requests_and_cancels_live_sessions_at_once(
    operator: Client, owner: Machine, peer: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    owner.create_session(movespec)
    before = clock.now()

    answer = do(operator, row, "suspend")

    assert f"Suspended {row}." in text_of(answer)
    refused(owner.get(MOVESPECS), 403, f"{level}_suspended")
    refused(owner.create_session(movespec), 403, f"{level}_suspended")
    refused(owner.post(TOKENS, {"api_key": owner.secret}), 403, f"{level}_suspended")
    assert peer.get(MOVESPECS).status_code == (403 if level == "organization" else 200)
    session = DetectionSession.objects.get()
    assert (session.status, session.terminal_outcome, session.error_code) == (
        "cancelled", "suspended", f"{level}_suspended",
    )  # fmt: skip
    row.refresh_from_db()
    assert row.suspended_at is not None
    assert before < row.suspended_at == session.ended_at
    assert last_history(row) == (
        "operators", str(row), f"Suspended {row}.\nReason: Unpaid",
    )  # fmt: skip


@LEVELS
def test_resuming_lets_requests_in_and_leaves_cancelled_sessions_so(
    operator: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    owner.create_session(movespec)
    do(operator, row, "suspend")

    answer = do(operator, row, "resume", "Paid")

    assert f"Resumed {row}." in text_of(answer)
    assert owner.get(MOVESPECS).status_code == 200
    assert owner.create_session(movespec).status_code == 201
    assert sorted(DetectionSession.objects.values_list("status", flat=True)) == [
        "cancelled", "created",
    ]  # fmt: skip
    assert last_history(row) == ("operators", str(row), f"Resumed {row}.\nReason: Paid")


@LEVELS
def test_who_comes_second_is_told_since_when_and_changes_nothing(
    operator: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    since = datetime.fromisoformat("2026-03-04T05:06:07Z")
    suspension.suspend(row, now=since)

    with nothing_changes():
        again = operator.post(address(row, "suspend"), {"reason": "Unpaid"})

    assert again.status_code == 409
    assert "It has been suspended since 2026-03-04 05:06 UTC." in text_of(again)
    suspension.resume(row)
    with nothing_changes():
        resumed = operator.post(address(row, "resume"), {"reason": "Paid"})
    assert resumed.status_code == 409
    assert "It is not suspended." in text_of(resumed)


def test_it_asks_for_a_reason(operator: Client, owner: Machine) -> None:
    for row in (owner.organization, owner.project):
        with nothing_changes():
            answer = operator.post(address(row, "suspend"), {"reason": " "})
        assert answer.context["form"].errors == {"reason": ["This field is required."]}


def test_many_are_suspended_from_the_list_after_a_confirmation(
    operator: Client, owner: Machine, peer: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    owner.create_session(movespec)
    suspension.suspend(peer.project, now=datetime.fromisoformat("2026-03-04T05:06:07Z"))
    rows = [owner.project, peer.project, outsider.project]

    with nothing_changes():
        asked = do_many(operator, rows, "suspend")
    assert asked.context["effects"][1] == "Cancelled at once, for good: 1 live session."
    done = text_of(do_many(operator, rows, "suspend", confirmed="yes", reason="Attack"))

    assert "Suspended 2 of 3." in done
    assert "Acme / peer: It has been suspended since 2026-03-04 05:06 UTC." in done
    assert Project.objects.filter(suspended_at__isnull=True).count() == 0
    assert DetectionSession.objects.get().terminal_outcome == "suspended"
    assert last_history(outsider.project)[2] == "Suspended Elsewhere / outsider.\nReason: Attack"
    assert not LogEntry.objects.filter(object_id=str(peer.project.id)).exists()


@pytest.mark.parametrize("id_", ["x", "", "\0", "9" * 5000])
def test_what_is_no_id_is_refused(operator: Client, owner: Machine, id_: str) -> None:
    chosen = {"_selected_action": [str(owner.project.id), id_], "confirmed": "yes", "reason": "x"}
    with nothing_changes():
        for index in ({}, {"index": "0"}):
            answer = operator.post(
                address(Project, "changelist"), {"action": "suspend", **chosen, **index}
            )
            assert answer.status_code == 400


@LEVELS
@at_length("role", "support", "release managers")
def test_who_only_looks_makes_changes_and_suspends_nothing(
    owner: Machine, movespec: MoveSpec, role: str, level: str
) -> None:
    owner.create_session(movespec)
    client = member(role)
    row = getattr(owner, level)
    assert client.get(address(row)).status_code == 200
    assert address(row, "suspend") not in text_of(client.get(address(row)))
    with nothing_changes():
        for name in ("suspend", "resume"):
            assert client.get(address(row, name)).status_code == 403
            assert client.post(address(row, name), {"reason": "x"}).status_code == 403
            do_many(client, [row], name, confirmed="yes", reason="x")
        given = limits(name="Mine", organization=str(owner.organization.id))
        assert client.post(address(row), given).status_code == 403
        assert client.post(address(type(row), "add"), given).status_code == 403
    assert owner.get(MOVESPECS).status_code == 200
