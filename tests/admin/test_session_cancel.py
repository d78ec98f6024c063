"""Staff cancel sessions, one or many."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.admin.session_rows import LIST, cancel_address, listed, make_session, overdue
from tests.admin.staffing import member


def cancel_many(client: Client, *ids: str, asked: str = "", **more: str) -> Any:
    return client.post(
        LIST + asked, {"action": "cancel", "_selected_action": ids, **more}, follow=True
    )


CONFIRMED = {"confirmed": "yes", "reason": "Stuck."}


def state(session_id: str) -> tuple[str, str | None]:
    row = DetectionSession.objects.get(id=session_id)
    return row.status, row.terminal_outcome


@pytest.mark.parametrize("status", ["created", "streaming", "finalizing"])
def test_it_cancels_one_and_keeps_the_reason(
    superuser: Client, movespec: MoveSpec, status: str
) -> None:
    this, other = make_session(movespec, status), make_session(movespec, status)
    asked = superuser.get(cancel_address(this)).content.decode()
    assert "gets session_done and is disconnected" in asked
    assert "Frames that were acknowledged stay counted." in asked
    assert state(this) == (status, None)

    answer = superuser.post(cancel_address(this), {"reason": "Stuck."})

    assert answer.headers["Location"] == f"{LIST}{this}/change/"
    assert state(this) == ("cancelled", "cancelled")
    assert state(other) == (status, None)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == (
        this,
        f"Cancelled session Acme / owner / {this}.\nReason: Stuck.",
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("completed", "completed"), ("cancelled", "expired"), ("failed", "abandoned")],
)
def test_a_session_that_ended_meanwhile_is_told_of_and_unchanged(
    superuser: Client, movespec: MoveSpec, status: str, outcome: str
) -> None:
    this = make_session(movespec, status, terminal_outcome=outcome)
    before = DetectionSession.objects.filter(id=this).values().get()
    answer = superuser.post(cancel_address(this), {"reason": "Stuck."})
    assert answer.status_code == 409
    assert f"It had ended already: {status}, outcome {outcome}." in answer.content.decode()
    assert DetectionSession.objects.filter(id=this).values().get() == before
    assert LogEntry.objects.count() == 0


def test_it_cancels_many_but_those_that_ended_meanwhile(
    superuser: Client, movespec: MoveSpec
) -> None:
    running = [make_session(movespec, status) for status in ("created", "streaming")]
    over = make_session(movespec, "cancelled", terminal_outcome="suspended")
    due = overdue(movespec, "created")
    rest = make_session(movespec, "created")
    asked = cancel_many(superuser, *running, over, due)
    assert asked.context["title"] == "Cancel 4 detection sessions"
    assert [state(one)[1] for one in running] == [None, None]

    # The filter that found them no longer does.
    done = cancel_many(
        superuser, *running, over, due, asked="?status__exact=streaming", **CONFIRMED
    )

    assert sorted(str(message) for message in done.context["messages"]) == sorted(
        [
            f"Acme / owner / {over}: It had ended already: cancelled, outcome suspended.",
            f"Acme / owner / {due}: It had ended already: cancelled, outcome expired.",
            "Cancelled 2 of 4.",
        ]
    )
    assert [state(one) for one in (*running, over, due, rest)] == [
        ("cancelled", "cancelled"),
        ("cancelled", "cancelled"),
        ("cancelled", "suspended"),
        ("created", None),
        ("created", None),
    ]
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == set(running)


def test_a_reason_is_needed(superuser: Client, movespec: MoveSpec) -> None:
    this = make_session(movespec, "created")
    assert superuser.post(cancel_address(this), {"reason": ""}).status_code == 200
    cancel_many(superuser, this, confirmed="yes", reason=" ")
    assert state(this) == ("created", None)


@pytest.mark.parametrize("role", ["support", "release managers"])
def test_who_only_looks_does_not_cancel(movespec: MoveSpec, role: str) -> None:
    this = make_session(movespec, "streaming")
    client = member(role)
    assert listed(client) == [this]
    assert cancel_address(this) not in client.get(f"{LIST}{this}/change/").content.decode()
    assert client.get(cancel_address(this)).status_code == 403
    assert client.post(cancel_address(this), {"reason": "Stuck."}).status_code == 403
    cancel_many(client, this, **CONFIRMED)
    assert state(this) == ("streaming", None)
    assert LogEntry.objects.count() == 0
