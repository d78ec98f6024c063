"""API keys and service accounts are issued in the admin; a secret is shown once."""

import logging
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from projects import models as suspension
from projects.models import ApiKey, ServiceAccount
from tests.admin.credential_pages import (
    SECRET,
    histories,
    issue,
    issue_page,
    key,
    mint_with,
    rotate,
    secret_of,
    wanted,
)
from tests.admin.staffing import LEVELS, address, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, Machine


def every_text() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')  # noqa: S608
            rows += [line for (line,) in cursor.fetchall()]
    return "\n".join(rows)


def test_operators_issue_a_key_with_scopes_and_an_expiry(operator: Client, owner: Machine) -> None:
    given = wanted(scopes=["sessions:write", "movespecs:read"], expires_at="2999-12-31T23:59")

    secret = secret_of(operator.post(issue_page(owner), given))

    issued = ApiKey.objects.get(name="Gateway")
    assert str(issued.id) == given["chosen_id"]
    assert issued.project == owner.project
    assert issued.scopes == ["movespecs:read", "sessions:write"]
    assert issued.expires_at == datetime.fromisoformat("2999-12-31T23:59Z")
    minted = mint_with(secret)
    assert minted.status_code == 201
    token = minted.json()["access_token"]
    assert owner.call("GET", MOVESPECS, token=token).status_code == 200
    refused(
        owner.call("POST", MOVESPECS, {"name": "x"}, token=token),
        403, "insufficient_scope", required_scope="movespecs:write",
    )  # fmt: skip
    assert histories(issued) == ["Issued."]
    assert histories(owner.project) == [f"Issued API key Acme / owner / {issued}."]


@LEVELS
def test_who_issues_for_what_is_suspended_is_told(
    operator: Client, owner: Machine, level: str
) -> None:
    suspension.suspend(getattr(owner, level), now=timezone.now())

    effects = operator.get(issue_page(owner)).context["effects"]

    assert effects[-1] == "It is refused until the suspension is ended by a resume."


@pytest.mark.parametrize(
    ("field", "given", "complaint"),
    [
        ("name", "", "This field is required."),
        ("name", "a\0b", "Null characters are not allowed."),
        ("name", "two\nlines", "Holds a control or format character."),
        ("scopes", [], "This field is required."),
        ("scopes", ["all"], "Select a valid choice. all is not one of the available choices."),
        ("expires_at", "2026-01-01T00:00", "This moment has passed. Choose one in the future."),
        ("expires_at", "275760-09-13T00:00", "Enter a valid date/time."),
        ("chosen_id", "1", "Enter a valid UUID."),
    ],
)
def test_what_can_not_be_issued_is_a_complaint(
    operator: Client, owner: Machine, field: str, given: Any, complaint: str
) -> None:
    with nothing_changes():
        answer = issue(operator, owner, **{field: given})

    assert answer.status_code == 200
    assert answer.context["form"].errors == {field: [complaint]}


def test_the_secret_is_on_no_page_in_no_table_and_in_no_log(
    operator: Client, owner: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    # The templates' logger writes whole contexts when a variable is missing.
    for logger in ("", "django", "django.template"):
        caplog.set_level(logging.DEBUG, logger=logger)
    issued = secret_of(issue(operator, owner))
    gateway = ApiKey.objects.get(name="Gateway")
    rotated = secret_of(rotate(operator, gateway))
    successor = ApiKey.objects.exclude(id__in=[gateway.id, owner.credential.id]).get()

    pages = [address(ApiKey, "changelist"), "/admin/", "/admin/admin/logentry/"]
    for row in (gateway, successor):
        pages += [address(row, name) for name in ("change", "history", "rotate", "revoke")]
    shown = [text_of(operator.get(page)) for page in pages]
    formatter = logging.Formatter()
    logged = [f"{formatter.format(record)} {vars(record)}" for record in caplog.records]

    assert any("Exception while resolving variable" in line for line in logged)
    for secret in (issued, rotated, issued[-43:], rotated[-43:]):
        assert not any(secret in text for text in [*shown, *logged])
        assert secret not in every_text()
        assert secret not in operator.cookies.output()
    assert "django_session" in connection.introspection.table_names()


def test_sending_the_form_twice_issues_one_and_shows_its_secret_once(
    operator: Client, owner: Machine
) -> None:
    given = wanted()
    secret_of(operator.post(issue_page(owner), given))
    issued = ApiKey.objects.get(name="Gateway")

    with nothing_changes():
        again = operator.post(issue_page(owner), given)

    assert (again.status_code, again["Location"]) == (302, address(issued))
    told = text_of(operator.get(address(issued)))
    assert "It was issued already, and its secret was shown then. If that is lost, rotate." in told
    assert SECRET.findall(told) == []


def test_an_id_of_another_credential_is_refused(operator: Client, owner: Machine) -> None:
    with nothing_changes():
        answer = issue(operator, owner, ServiceAccount, chosen_id=str(owner.credential.id))
    assert (answer.status_code, answer["Location"]) == (302, address(key(owner)))
