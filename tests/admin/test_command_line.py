"""The commands that do what staff do: by the same rules, with an entry in the same history."""

import io
import json
import uuid
from contextlib import redirect_stdout
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.credentials import credential_issue
from projects.models import (
    ApiKey,
    Credential,
    CredentialKind,
    Organization,
    Project,
    ServiceAccount,
    is_live,
)
from sessions_app.models import DetectionSession
from staff.command_line import USERNAME
from staff.display import full_name
from tests.admin.credential_pages import KINDS, SECRET, histories, key, mint_with
from tests.admin.session_rows import make_session
from tests.admin.staffing import LEVELS, address, last_history, member, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.concurrency.racing import race
from tests.conftest import MOVESPECS, Machine
from tests.documented import commands, run
from tests.server import test_database_url as database_url

UNKNOWN = "00000000-0000-4000-8000-000000000000"
WHY = "Ticket 812"
COMMANDS = (
    "suspend", "resume", "set_limits", "grant_scopes", "rotate_credential", "revoke_credential",
)  # fmt: skip


def answer(*command: Any) -> Any:
    out = io.StringIO()
    call_command(*map(str, command), "--json", f"--reason={WHY}", stdout=out)
    return json.loads(out.getvalue())


def words_of(command: str, owner: Machine) -> list[str]:
    """The words of a command that does something, but for its reason."""
    if command.endswith("_credential"):
        return [str(owner.credential.id)]
    if command == "grant_scopes":
        return [str(owner.credential.id), "data:erase"]
    more = ["rate_limit=1"] if command == "set_limits" else []
    return ["project", str(owner.project.id), *more]


def error_of(*command: Any) -> str:
    """The error of a command that changes nothing."""
    with nothing_changes(), pytest.raises(CommandError) as told:
        answer(*command)
    return str(told.value)


@LEVELS
def test_a_suspension_is_that_of_the_admin(
    owner: Machine, movespec: MoveSpec, operator: Client, level: str
) -> None:
    row = getattr(owner, level)
    owner.create_session(movespec)

    told = answer("suspend", level, row.id)

    row.refresh_from_db()
    assert told == {f"{level}_id": str(row.id), "suspended_at": str(row.suspended_at)}
    refused(owner.get(MOVESPECS), 403, f"{level}_suspended")
    session = DetectionSession.objects.get()
    assert (session.status, session.terminal_outcome, session.error_code, session.ended_at) == (
        "cancelled", "suspended", f"{level}_suspended", row.suspended_at,
    )  # fmt: skip
    assert last_history(row) == (USERNAME, str(row), f"Suspended {row}.\nReason: {WHY}")
    page = text_of(operator.get(address(LogEntry, "changelist")))
    assert (page.count(USERNAME), page.count(f">Suspended {row}.<"), page.count(WHY)) == (1, 1, 1)

    assert answer("resume", level, row.id) == {f"{level}_id": str(row.id), "suspended_at": None}

    assert owner.get(MOVESPECS).status_code == 200
    assert last_history(row) == (USERNAME, str(row), f"Resumed {row}.\nReason: {WHY}")
    assert DetectionSession.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    ("command", "reason"), zip(COMMANDS, ["", "  ", "x" * 1001, "a\0b", "", ""], strict=True)
)
def test_it_needs_a_reason(owner: Machine, command: str, reason: str) -> None:
    words = words_of(command, owner)
    with nothing_changes(), pytest.raises(CommandError, match="--reason: "):
        call_command(command, *map(str, words), f"--reason={reason}")
    with nothing_changes(), pytest.raises(CommandError, match="required: --reason"):
        call_command(command, *map(str, words))


def test_limits_are_those_of_the_page(owner: Machine) -> None:
    owner.project.version_limit = 7
    owner.project.save()

    told = answer("set_limits", "project", owner.project.id, "rate_limit=600", "movespec_limit=5")

    assert told == {
        "project_id": str(owner.project.id),
        "rate_limit": 600,
        "rate_limit_sessions": "default",
        "rate_limit_movespecs": "default",
        "movespec_limit": 5,
        "version_limit": 7,
        "live_sessions": "default",
        "session_seconds": "default",
        "session_events": "default",
        "is_changed": True,
    }
    row = Project.objects.get(id=owner.project.id)
    assert (row.rate_limit, row.movespec_limit, row.version_limit) == (600, 5, 7)
    assert last_history(row)[2] == (
        f"Set limits of {row}: rate_limit 600 (was default), movespec_limit 5 (was default).\n"
        f"Reason: {WHY}"
    )
    with nothing_changes():
        again = answer("set_limits", "project", row.id, "rate_limit=600")
    assert again == {**told, "is_changed": False}

    answer("set_limits", "project", row.id, "rate_limit=default", "movespec_limit=5")

    assert last_history(row)[2].startswith(
        f"Set limits of {row}: rate_limit default (was 600).\nReason"
    )
    assert answer("set_limits", "organization", owner.organization.id, "rate_limit=9") == {
        "organization_id": str(owner.organization.id),
        "rate_limit": 9,
        "retention_days": "default",
        "is_changed": True,
    }


def test_fewer_days_delete_what_is_older_only_when_told_to(
    owner: Machine, movespec: MoveSpec
) -> None:
    id_, ended_at = owner.organization.id, clock.now() - timedelta(days=9)
    make_session(movespec, created_at=ended_at - timedelta(hours=1), ended_at=ended_at)
    assert answer("set_limits", "organization", id_, "retention_days=20")["is_changed"]
    with nothing_changes():
        assert error_of("set_limits", "organization", id_, "retention_days=5") == (
            "1 of its sessions ended more than 5 days ago. They would be deleted within the hour, "
            "and nothing brings them back. To delete them, add --delete-older."
        )
    told = answer("set_limits", "organization", id_, "retention_days=5", "--delete-older")
    assert (told["retention_days"], told["is_changed"]) == (5, True)


@pytest.mark.parametrize(
    ("kind", "limits", "sentence"),
    [
        ("project", ["rate_limit=5", "x=1"], "x: the limits of a project are rate_limit, "),
        ("project", ["suspended_at=1"], "suspended_at: the limits of a project are "),
        ("project", ["rate_limit=5", "movespec_limit=0"], "movespec_limit: Ensure this value is"),
        ("project", ["rate_limit=many"], "rate_limit: Enter a whole number."),
        ("project", ["rate_limit"], "rate_limit: give it a number, or `rate_limit=default`."),
        ("project", ["rate_limit=1", "rate_limit=2"], "rate_limit: it is given twice."),
    ],
)
def test_a_limit_that_is_wrong_sets_none(
    owner: Machine, kind: str, limits: list[str], sentence: str
) -> None:
    id_ = getattr(owner, kind).id
    assert error_of("set_limits", kind, id_, *limits).startswith(sentence)


@KINDS
def test_what_a_key_is_granted_is_in_its_history(owner: Machine, model: Any) -> None:
    of_kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    narrow, _ = credential_issue(
        project=owner.project, kind=of_kind, name="CI", scopes=["tokens:read"]
    )
    row = model.objects.get(id=narrow.id)

    told = answer("grant_scopes", row.id, "tokens:read", "usage:read", "data:erase")

    scopes = ["data:erase", "tokens:read", "usage:read"]
    assert told == {"credential_id": str(row.id), "scopes": scopes, "is_changed": True}
    sentence = f"Granted data:erase, usage:read to {full_name(row)}.\nReason: {WHY}"
    assert last_history(row) == (USERNAME, full_name(row), sentence)
    with nothing_changes():
        assert answer("grant_scopes", row.id, "data:erase") == told | {"is_changed": False}


def test_nothing_is_granted_to_what_is_not_live(owner: Machine) -> None:
    answer("revoke_credential", owner.credential.id)
    assert error_of("grant_scopes", owner.credential.id, "data:erase") == (
        f"There is no live credential {owner.credential.id}."
    )


def test_what_is_made_is_in_the_history(owner: Machine) -> None:
    def made(*command: str) -> Any:
        out = io.StringIO()
        call_command(*command, "--json", stdout=out)
        return json.loads(out.getvalue())

    new = made("bootstrap_project", "--organization=Onyx", "--project=Gym")
    further = made("create_api_key", str(owner.project.id), "--service-account")

    for model, id_, told in (
        (Organization, new["organization_id"], "Onboarded."),
        (Project, new["project_id"], "Onboarded with Onyx."),
        (ApiKey, new["api_key_id"], "Issued."),
        (ServiceAccount, further["service_account_id"], "Issued."),
    ):
        row = model.objects.get(id=id_)
        assert last_history(row) == (USERNAME, full_name(row), told)


@KINDS
def test_a_rotation_is_that_of_the_admin(owner: Machine, model: Any) -> None:
    of_kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    old, _ = credential_issue(
        project=owner.project, kind=of_kind, name="CI", scopes=["sessions:write"]
    )
    before = timezone.now()

    told = answer("rotate_credential", old.id, "--overlap-hours=1")

    new = model.objects.get(id=told[f"{of_kind}_id"])
    old.refresh_from_db()
    assert (new.name, new.scopes, new.replaces_id, new.expires_at) == (
        "CI", ["sessions:write"], old.id, None,
    )  # fmt: skip
    assert old.expires_at is not None
    # By the database's clock, which may differ from the test's by less than a millisecond.
    assert abs(old.expires_at - before - timedelta(hours=1)) < timedelta(minutes=1)
    assert told == {
        "credential_id": str(old.id),
        "works_until": str(old.expires_at),
        f"{of_kind}_id": str(new.id),
        f"{of_kind}_secret": told[f"{of_kind}_secret"],
        "expires_at": None,
    }
    assert SECRET.fullmatch(told[f"{of_kind}_secret"])
    old_row = model.objects.get(id=old.id)
    assert last_history(old_row) == (
        USERNAME,
        full_name(old_row),
        f"Rotated {full_name(old_row)}: {new} replaces it.\nReason: {WHY}",
    )
    assert last_history(new) == (USERNAME, full_name(new), f"Issued to replace {old_row}.")
    assert told[f"{of_kind}_secret"] not in "".join([*histories(old_row), *histories(new)])


def test_a_secret_is_on_standard_output_alone(
    owner: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    out = io.StringIO()
    with redirect_stdout(io.StringIO()) as elsewhere:
        call_command("rotate_credential", str(owner.credential.id), f"--reason={WHY}", stdout=out)
    assert (elsewhere.getvalue(), *capfd.readouterr()) == ("", "", "")
    [secret] = SECRET.findall(out.getvalue())
    assert mint_with(secret).status_code == 201


def test_one_that_was_rotated_is_rotated_again_only_when_told_so(owner: Machine) -> None:
    told = answer("rotate_credential", owner.credential.id)
    new = Credential.objects.get(id=told["api_key_id"])
    assert error_of("rotate_credential", owner.credential.id) == (
        f"{new} replaces it already. --again issues another."
    )
    again = answer("rotate_credential", owner.credential.id, "--again")
    assert (again["works_until"] is None, again["expires_at"]) == (False, None)
    answer("revoke_credential", owner.credential.id)
    assert error_of("rotate_credential", owner.credential.id, "--again").startswith(
        "It has been revoked since "
    )


@pytest.mark.parametrize("command", ["grant_scopes", "rotate_credential", "revoke_credential"])
def test_a_credential_that_is_not_there(owner: Machine, command: str) -> None:
    more = ["usage:read"] if command == "grant_scopes" else []
    for unknown in (UNKNOWN, owner.project.id):
        assert error_of(command, unknown, *more) == f"There is no credential {unknown}."
    assert error_of(command, "squat").startswith("Error: argument credential_id: ")


def test_a_revocation_is_that_of_the_admin(owner: Machine) -> None:
    told = answer("revoke_credential", owner.credential.id)

    row = key(owner)
    assert told == {"credential_id": str(row.id), "revoked_at": str(row.revoked_at)}
    assert mint_with(owner.secret).status_code == 401
    refused(owner.get(MOVESPECS), 401, "access_token_invalid")
    assert last_history(row) == (
        USERNAME, full_name(row), f"Revoked {full_name(row)}.\nReason: {WHY}",
    )  # fmt: skip
    assert error_of("revoke_credential", row.id).startswith("It has been revoked since ")


def test_nobody_logs_in_as_the_command_line(owner: Machine) -> None:
    member("operators", "ada")
    answer("suspend", "project", owner.project.id)
    answer("resume", "project", owner.project.id)
    user = User.objects.get(username=USERNAME)
    assert (user.is_active, user.is_staff, user.is_superuser) == (False, False, False)
    assert not user.has_usable_password()
    assert authenticate(username=USERNAME, password="") is None
    with pytest.raises(CommandError, match="valid username"):
        call_command("createsuperuser", username="another one", email="a@b.c", interactive=False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_of_two_at_once_one_does_it(owner: Machine, command: str) -> None:
    Credential.objects.update(scopes=["tokens:read"])
    if command == "resume":
        answer("suspend", "project", owner.project.id)
    words = words_of(command, owner)
    subject = words[1] if words[0] == "project" else words[0]
    before = LogEntry.objects.filter(object_id=subject).count()

    def once() -> bool:
        try:
            return bool(answer(command, *words).get("is_changed", True))
        except CommandError:
            return False

    assert sorted(race([once] * 4)) == [False] * 3 + [True]
    assert LogEntry.objects.filter(object_id=subject).count() == before + 1
    assert User.objects.filter(username=USERNAME).count() == 1
    live = Credential.objects.filter(is_live(timezone.now())).count()
    assert live == {"rotate_credential": 2, "revoke_credential": 0}.get(command, 1)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_page_is_right(owner: Machine, tmp_path: Any) -> None:
    other, _ = credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="CI"
    )
    Credential.objects.update(scopes=["tokens:read"])
    run(
        commands("operations.md", "revoke_credential"),
        tmp_path,
        {
            "DATABASE_URL": database_url(),
            "PROJECT_ID": str(owner.project.id),
            "CREDENTIAL_ID": str(owner.credential.id),
            "LEAKED_ID": str(other.id),
        },
    )
    [secret] = SECRET.findall((tmp_path / "new-key").read_text())
    assert (tmp_path / "new-key").stat().st_mode & 0o777 == 0o600
    assert mint_with(secret).status_code == 201
    other.refresh_from_db()
    owner.project.refresh_from_db()
    assert other.revoked_at is not None
    assert (owner.project.suspended_at, owner.project.rate_limit) == (None, 1200)
    told = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert [message.split()[0] for message in told] == [
        "Suspended", "Resumed", "Set", "Granted", "Issued", "Rotated", "Revoked",
    ]  # fmt: skip
    assert uuid.UUID(secret.split("_")[2]) != owner.credential.id
