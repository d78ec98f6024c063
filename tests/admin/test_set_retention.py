"""An organization's retention is set on a page that asks before anything is deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import Organization
from sessions_app.models import DetectionSession
from sessions_app.session_retention import retention_apply
from staff.actions import retention
from tests.admin.session_rows import make_session
from tests.admin.staffing import address, last_history, member, text_of
from tests.api.api_requests import nothing_changes
from tests.conftest import Machine

pytestmark = pytest.mark.django_db


def give(client: Client, owner: Machine, days: str, **more: str) -> Any:
    given = {"retention_days": days, "reason": "Contract 7", **more}
    return client.post(address(owner.organization, "retention"), given, follow=True)


def days_of(owner: Machine) -> int | None:
    return Organization.objects.get(pk=owner.organization.pk).retention_days


def ended(movespec: MoveSpec, days: float, **columns: Any) -> str:
    """A session that ended so many days ago, an hour after its creation."""
    ended_at = clock.now() - timedelta(days=days)
    created_at = ended_at - timedelta(hours=1)
    return make_session(movespec, created_at=created_at, ended_at=ended_at, **columns)


def errors_of(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    return dict(answer.context["form"].errors)


def test_days_that_delete_nothing_are_set_at_once(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    ended(movespec, 29)
    make_session(movespec, "streaming", created_at=clock.now() - timedelta(days=40))
    page = operator.get(address(owner.organization, "retention"))
    assert page.context["effects"] == [
        "After their end its sessions are kept for good, the default.",
        "With fewer days, what is older is deleted within the hour, for good.",
    ]
    assert list(page.context["form"].fields) == ["retention_days", "reason"]

    assert "sessions are kept for 30 days (were for good)" in text_of(give(operator, owner, "30"))
    assert days_of(owner) == 30
    assert last_history(owner.organization) == (
        "operators", "Acme",
        "Set retention of Acme: sessions are kept for 30 days (were for good).\nReason: Contract 7",
    )  # fmt: skip


def test_nothing_is_deleted_that_was_not_ticked_for_those_days(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    kept = ended(movespec, 5)
    older = [ended(movespec, 11), ended(movespec, 31), ended(movespec, 32)]

    with nothing_changes():
        asked = give(operator, owner, "30")
    assert errors_of(asked) == {
        "delete_older_than_30": [
            "2 of its sessions ended over 30 days ago, and would be deleted within the hour, for"
            " good."
        ]
    }
    with nothing_changes():
        # Ticked for others than those that are written now.
        again = give(operator, owner, "10", delete_older_than_30="on")
    assert list(errors_of(again)) == ["delete_older_than_10"]
    assert "3 of its sessions ended over 10 days ago, and" in text_of(again)

    give(operator, owner, "10", delete_older_than_10="on")
    assert days_of(owner) == 10
    assert retention_apply(now=clock.now(), sleep=lambda _: None) == len(older)
    assert [str(id_) for id_ in DetectionSession.objects.values_list("id", flat=True)] == [kept]


def test_the_platforms_days_are_asked_about_as_well(
    operator: Client, owner: Machine, movespec: MoveSpec, settings: Any
) -> None:
    Organization.objects.filter(pk=owner.organization.pk).update(retention_days=20)
    ended(movespec, 15)
    settings.RETENTION_DAYS = 10

    # More than the platform keeps is no choice; what it keeps itself deletes nothing more.
    assert list(errors_of(give(operator, owner, "20"))) == ["retention_days"]
    give(operator, owner, "")
    assert days_of(owner) is None
    assert list(errors_of(give(operator, owner, "9"))) == ["delete_older_than_9"]


def test_a_longer_retention_asks_nothing(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    Organization.objects.filter(pk=owner.organization.pk).update(retention_days=10)
    ended(movespec, 40)
    give(operator, owner, "20")
    assert days_of(owner) == 20
    give(operator, owner, "")
    assert days_of(owner) is None


def test_it_counts_no_more_than_it_can_tell(
    operator: Client, owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_COUNTED", 2)
    for _ in range(4):
        ended(movespec, 9)
    assert "over 2 of its sessions ended over 5 days ago" in text_of(give(operator, owner, "5"))


@pytest.mark.parametrize(
    ("days", "complaint"),
    [
        ("1", "Ensure this value is greater than or equal to 2."),
        ("ten", "Enter a whole number."),
        ("36501", "Ensure this value is at most 36500."),
    ],
)
def test_days_that_can_not_be_kept_are_a_complaint(
    operator: Client, owner: Machine, days: str, complaint: str
) -> None:
    with nothing_changes():
        assert errors_of(give(operator, owner, days)) == {"retention_days": [complaint]}


def test_the_page_of_the_organization_shows_it_and_changes_it_not(
    operator: Client, owner: Machine
) -> None:
    organization = owner.organization
    assert address(organization, "retention") in text_of(operator.get(address(organization)))
    operator.post(address(organization), {"name": "Acme", "rate_limit": "", "retention_days": "5"})
    assert days_of(owner) is None


@pytest.mark.parametrize("role", ["support", "release managers"])
def test_who_may_not_change_a_customer_sets_nothing(owner: Machine, role: str) -> None:
    client = member(role)
    with nothing_changes():
        assert give(client, owner, "30").status_code == 403
