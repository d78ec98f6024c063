"""A new customer in one form: all or nothing, once, and never of a name that exists."""

import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from projects.models import ApiKey, Organization, Project, Scope
from tests.admin.credential_pages import mint_with, secret_of
from tests.admin.staffing import address, member, text_of
from tests.api.api_requests import nothing_changes
from tests.concurrency.racing import race
from tests.conftest import Machine

ONBOARD = "/admin/projects/organization/onboard/"


def wanted(**given: Any) -> dict[str, Any]:
    return {
        "organization_name": "Acme",
        "project_name": "iOS app",
        "name": "Tablets",
        "scopes": list(Scope.values),
        "expires_at": "",
        "chosen_id": str(uuid.uuid4()),
        **given,
    }


def told() -> list[tuple[str, str]]:
    entries = LogEntry.objects.order_by("id")
    return [(entry.object_repr, entry.get_change_message()) for entry in entries]


def test_one_form_makes_a_customer_and_ends_at_the_secret(
    operator: Client, signing_key: None
) -> None:
    answer = operator.post(ONBOARD, wanted(scopes=["sessions:write"]))

    minted = mint_with(secret_of(answer))
    key = ApiKey.objects.select_related("project__organization").get()
    assert (minted.status_code, minted.json()["project_id"]) == (201, str(key.project_id))
    assert (str(key.project), key.name, key.scopes) == (
        "Acme / iOS app", "Tablets", ["sessions:write"],
    )  # fmt: skip
    assert answer.context["title"] == "The secret of Acme / iOS app / Tablets"
    assert "Onboarded Acme / iOS app." in text_of(answer)
    assert told() == [
        ("Acme", "Onboarded."),
        ("Acme / iOS app", "Onboarded with Acme."),
        (f"Acme / iOS app / {key}", "Issued."),
    ]


def test_sending_it_twice_makes_one(operator: Client, db: None) -> None:
    given = wanted()
    secret_of(operator.post(ONBOARD, given))

    with nothing_changes():
        again = operator.post(ONBOARD, given)

    assert (again.status_code, again["Location"]) == (302, address(ApiKey.objects.get()))
    shown = text_of(operator.get(again["Location"]))
    assert "It was issued already, and its secret was shown then." in shown


@pytest.mark.django_db(transaction=True)
def test_of_the_same_form_sent_twice_at_once_one_makes_all_and_one_nothing(
    signing_key: None,
) -> None:
    clients = [member("operators", name) for name in ("ada", "alan")]
    given = wanted()

    answers = race([lambda client=client: client.post(ONBOARD, given) for client in clients])

    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert (Organization.objects.count(), Project.objects.count(), ApiKey.objects.count()) == (
        1, 1, 1,
    )  # fmt: skip
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize("typed", ["Acme", " acme "])
def test_a_customer_of_the_same_name_is_led_to(
    operator: Client, owner: Machine, typed: str
) -> None:
    with nothing_changes():
        answer = operator.post(ONBOARD, wanted(organization_name=typed))
    assert list(answer.context["form"].errors) == ["organization_name"]
    assert f'<a href="{address(owner.organization)}">Acme</a> exists.' in text_of(answer)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("organization_name", " "), ("organization_name", "a\0b"),
        ("organization_name", "x" * 256), ("project_name", "two\nlines"), ("scopes", []),
        ("expires_at", "2026-01-01T00:00"), ("chosen_id", "1"),
    ],
)  # fmt: skip
def test_what_can_not_be_onboarded_is_a_complaint(
    operator: Client, db: None, field: str, given: Any
) -> None:
    with nothing_changes():
        answer = operator.post(ONBOARD, wanted(**{field: given}))
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])


@pytest.mark.django_db(transaction=True)
def test_nothing_is_half_done(monkeypatch: pytest.MonkeyPatch, signing_key: None) -> None:
    def fails(**_: Any) -> Any:
        raise RuntimeError

    operator = member("operators")
    monkeypatch.setattr("staff.actions.credentials.credential_issue", fails)
    with nothing_changes(), pytest.raises(RuntimeError):
        operator.post(ONBOARD, wanted())


@pytest.mark.parametrize("missing", ["add_organization", "add_project", "add_apikey"])
def test_it_takes_all_three_permissions(db: None, missing: str) -> None:
    user = User.objects.create_user("some", is_staff=True)
    held = {"add_organization", "add_project", "add_apikey", "view_organization", "view_project"}
    user.user_permissions.set(Permission.objects.filter(codename__in=held - {missing}))
    client = Client()
    client.force_login(user)
    with nothing_changes():
        assert client.post(ONBOARD, wanted()).status_code == 403
    assert ONBOARD not in text_of(client.get("/admin/"))
