"""Which credentials carry an old pepper, and when one may be dropped."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from projects.credentials import credential_issue
from projects.models import Credential, CredentialKind
from tests.api.api_requests import nothing_changes
from tests.conftest import TOKENS, Machine

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def ask(*arguments: str) -> tuple[str, str | None]:
    """What it prints, and the error that it ends with."""
    out, error = io.StringIO(), None
    with nothing_changes():
        try:
            call_command("credentials_by_pepper", *arguments, stdout=out)
        except CommandError as told:
            error = f"{told} Exits with {told.returncode}."
    return out.getvalue(), error


@pytest.fixture
def old(settings: Any, db: None) -> None:
    settings.SECRET_PEPPERS = {1: OLD}


@pytest.fixture
def machine(old: None, owner: Machine, settings: Any) -> Machine:
    """Its key carries pepper 1; the newest is 2."""
    settings.SECRET_PEPPERS = {2: NEW, 1: OLD}
    return owner


def issue(machine: Machine, **more: Any) -> tuple[Credential, str]:
    return credential_issue(
        project=machine.project, **{"kind": CredentialKind.API_KEY, "name": "a further one", **more}
    )


def test_it_counts_by_pepper_and_lists_the_live_ones_of_an_old_one(machine: Machine) -> None:
    used_at = timezone.now() - timedelta(hours=3)
    Credential.objects.filter(id=machine.credential.id).update(last_used_at=used_at)
    issue(machine)
    past = timezone.now() - timedelta(seconds=1)
    for change in ({"revoked_at": past}, {"expires_at": past}, {"expires_at": past}):
        made, _ = issue(machine)
        Credential.objects.filter(id=made.id).update(pepper_number=1, **change)

    printed, error = ask("--json")

    assert error == "Live credentials that carry another pepper than the newest: 1. Exits with 1."
    key = machine.credential
    assert json.loads(printed) == {
        "newest": 2,
        "peppers": [
            {"number": 2, "is_configured": True, "live": 1, "expired": 0, "revoked": 0},
            {"number": 1, "is_configured": True, "live": 1, "expired": 2, "revoked": 1},
        ],
        "credentials": [
            {
                "pepper": 1,
                "works": True,
                "kind": "api_key",
                "id": str(key.id),
                "last_used_at": used_at.isoformat(),
                "name": key.name,
                "organization": machine.organization.name,
                "project": machine.project.name,
            }
        ],
    }


def test_one_whose_pepper_is_gone_is_told_and_mints_nothing(
    machine: Machine, settings: Any, client: Any
) -> None:
    settings.SECRET_PEPPERS = {2: NEW}
    printed, error = ask("--json")
    told = json.loads(printed)
    assert error == "Live credentials that carry another pepper than the newest: 1. Exits with 1."
    assert [(row["number"], row["is_configured"], row["live"]) for row in told["peppers"]] == [
        (2, True, 0),
        (1, False, 1),
    ]
    [row] = told["credentials"]
    assert (row["id"], row["pepper"], row["works"]) == (str(machine.credential.id), 1, False)
    refused = client.post(TOKENS, {"api_key": machine.secret}, content_type="application/json")
    assert refused.status_code == 401


def test_a_pepper_may_be_dropped_once_nothing_live_carries_it(
    machine: Machine, settings: Any, client: Any
) -> None:
    _, secret = issue(machine, kind=CredentialKind.SERVICE_ACCOUNT)
    assert ask("--number", "1")[1] == "Live credentials that carry pepper 1: 1. Exits with 1."
    Credential.objects.filter(id=machine.credential.id).update(revoked_at=timezone.now())
    assert ask("--number", "1")[1] is None
    assert ask()[1] is None
    assert ask("--number", "2")[1] == "Live credentials that carry pepper 2: 1. Exits with 1."

    settings.SECRET_PEPPERS = {2: NEW}
    minted = client.post(
        TOKENS,
        {
            "service_account_id": str(Credential.objects.get(kind="service_account").id),
            "service_account_secret": secret,
        },
        content_type="application/json",
    )
    assert minted.status_code == 201


def test_it_speaks_to_people_and_tells_no_secret(machine: Machine) -> None:
    Credential.objects.filter(id=machine.credential.id).update(name="a\u202eb")
    printed, _ = ask()
    second, first, row = printed.splitlines()
    assert second == "number 2  is_configured True  live 0  expired 0  revoked 0"
    assert first == "number 1  is_configured True  live 1  expired 0  revoked 0"
    assert f"pepper 1  works True  kind api_key  id {machine.credential.id}  " in row
    assert "a[U+202E]b" in row
    for text in (printed, ask("--json")[0]):
        assert machine.secret not in text
        assert machine.secret[-43:] not in text
        assert bytes(machine.credential.secret_hash).hex() not in text
        assert OLD.hex() not in text
        assert NEW.hex() not in text


def test_those_come_first_that_have_not_come_back_for_the_longest_time(machine: Machine) -> None:
    now = timezone.now()
    never, _ = issue(machine, name="never")
    long_ago, _ = issue(machine, name="long ago")
    Credential.objects.update(pepper_number=1)
    used = {machine.credential.id: timedelta(minutes=1), long_ago.id: timedelta(days=40)}
    for id_, since in used.items():
        Credential.objects.filter(id=id_).update(last_used_at=now - since)

    listed = json.loads(ask("--json", "--number", "1")[0])["credentials"]
    assert [(row["id"], row["last_used_at"]) for row in listed] == [
        (str(never.id), None),
        (str(long_ago.id), (now - timedelta(days=40)).isoformat()),
        (str(machine.credential.id), (now - timedelta(minutes=1)).isoformat()),
    ]
    lines = ask()[0].splitlines()
    [line] = [line for line in lines if str(never.id) in line]
    assert "last_used_at never" in line


def test_a_pepper_that_nothing_knows_is_no_success(machine: Machine) -> None:
    assert ask("--number", "11") == (
        "",
        "No credential carries pepper 11, nor is it configured. Exits with 1.",
    )
