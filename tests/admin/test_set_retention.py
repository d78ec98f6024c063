"""An organization's retention is set on a page that asks before anything is deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import Organization
from sessions_app.models import DetectionSession
from sessions_app.retention import retention_apply
from staff.actions import organizations as actions
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
    superuser: Client, owner: Machine, movespec: MoveSpec
) -> None:
    ended(movespec, 29)
    make_session(movespec, "streaming", created_at=clock.now() - timedelta(days=40))
    page = superuser.get(address(owner.organization, "retention"))
    assert page.context["effects"] == [
        "Sessions are kept forever (the default).",
        "If you set fewer days, older sessions are deleted within the hour. Nothing brings "
        "them back.",
    ]
    assert list(page.context["form"].fields) == ["retention_days", "reason"]

    assert "sessions are kept for 30 days (before: forever)" in text_of(
        give(superuser, owner, "30")
    )
    assert days_of(owner) == 30
    assert last_history(owner.organization) == (
        "root", "Acme",
        "Set retention of Acme: "
        "sessions are kept for 30 days (before: forever).\nReason: Contract 7",
    )  # fmt: skip


def test_nothing_is_deleted_that_was_not_ticked_for_those_days(
    superuser: Client, owner: Machine, movespec: MoveSpec
) -> None:
    kept = ended(movespec, 5)
    older = [ended(movespec, 11), ended(movespec, 31), ended(movespec, 32)]

    with nothing_changes():
        asked = give(superuser, owner, "30")
    assert errors_of(asked) == {
        "delete_older_than_30": [
            "2 of its sessions ended more than 30 days ago. They would be deleted within the hour, "
            "and nothing brings them back."
        ]
    }
    with nothing_changes():
        # Ticked for others than those that are written now.
        again = give(superuser, owner, "10", delete_older_than_30="on")
    assert list(errors_of(again)) == ["delete_older_than_10"]
    assert "3 of its sessions ended more than 10 days ago." in text_of(again)

    give(superuser, owner, "10", delete_older_than_10="on")
    assert days_of(owner) == 10
    assert retention_apply(now=clock.now()) == len(older)
    assert [str(id_) for id_ in DetectionSession.objects.values_list("id", flat=True)] == [kept]


def test_the_platforms_days_are_asked_about_as_well(
    superuser: Client, owner: Machine, movespec: MoveSpec, settings: Any
) -> None:
    Organization.objects.filter(pk=owner.organization.pk).update(retention_days=20)
    ended(movespec, 15)
    settings.RETENTION_DAYS = 10

    # More than the platform keeps is no choice; what it keeps itself deletes nothing more.
    assert list(errors_of(give(superuser, owner, "20"))) == ["retention_days"]
    give(superuser, owner, "")
    assert days_of(owner) is None
    assert list(errors_of(give(superuser, owner, "9"))) == ["delete_older_than_9"]


@pytest.mark.parametrize(("before", "days"), [(None, "30"), (30, "2")])
def test_fewer_days_take_the_right_to_erase(
    operator: Client, owner: Machine, movespec: MoveSpec, before: int | None, days: str
) -> None:
    """Days that delete something, and days that delete nothing yet."""
    Organization.objects.filter(pk=owner.organization.pk).update(retention_days=before)
    for older in (None, ended(movespec, 40)):
        with nothing_changes():
            asked = give(operator, owner, days)
            forced = give(operator, owner, days, **{f"delete_older_than_{days}": "on"})
        for answer in (asked, forced):
            assert errors_of(answer) == {"retention_days": [actions.ONLY_LONGER]}, older
    page = operator.get(address(owner.organization, "retention"))
    assert actions.ONLY_LONGER in text_of(page)


def test_the_platforms_days_are_no_way_round_the_right(
    operator: Client, owner: Machine, settings: Any
) -> None:
    Organization.objects.filter(pk=owner.organization.pk).update(retention_days=20)
    settings.RETENTION_DAYS = 10
    give(operator, owner, "")
    assert days_of(owner) is None  # as short as before
    with nothing_changes():
        assert list(errors_of(give(operator, owner, "9"))) == ["retention_days"]


def test_a_new_organization_has_days_of_its_own_from_who_may_erase_alone(
    operator: Client, superuser: Client
) -> None:
    form = {"name": "Ward", "rate_limit": "", "retention_days": "2"}
    for client, days in ((operator, None), (superuser, 2)):
        client.post(address(Organization, "add"), form)
        made = Organization.objects.filter(name="Ward").first()
        assert made is not None
        assert made.retention_days == days


@pytest.mark.parametrize(
    ("days", "complaint"),
    [
        ("1", "Ensure this value is greater than or equal to 2."),
        ("ten", "Enter a whole number."),
        ("36501", "Ensure this value is at most 36500."),
    ],
)
def test_days_that_can_not_be_kept_are_a_complaint(
    superuser: Client, owner: Machine, days: str, complaint: str
) -> None:
    with nothing_changes():
        assert errors_of(give(superuser, owner, days)) == {"retention_days": [complaint]}


@pytest.mark.parametrize("role", ["support", "release managers"])
def test_who_may_not_change_a_customer_sets_nothing(owner: Machine, role: str) -> None:
    client = member(role)
    with nothing_changes():
        assert give(client, owner, "30").status_code == 403
