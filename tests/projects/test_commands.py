"""The operators' commands: for people, and with --json for scripts."""

import io
import json
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from movespecs.models import MoveSpec, Release
from projects.models import ApiKey, Organization, Project, Scope, ServiceAccount
from tests.api.api_requests import nothing_changes
from tests.conftest import TOKENS, Machine

COMMANDS = (
    *("bootstrap_project", "create_api_key", "credentials_by_pepper", "grant_scopes"),
    *("rotate_signing_key", "load_catalogue", "expire_sessions", "record_backup"),
    *("pause_webhooks", "resume_webhooks"),
)


def answer(*command: Any) -> Any:
    out = io.StringIO()
    call_command(*command, "--json", stdout=out)
    return json.loads(out.getvalue())


def mints(client: Any, **credential: str) -> bool:
    response = client.post(TOKENS, credential, content_type="application/json")
    return bool(response.status_code == 201)


def test_each_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            call_command(command, "--help")
        assert ended.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_bootstrap_makes_a_project_whose_key_mints(signing_key: None, client: Any) -> None:
    made = answer("bootstrap_project", "--organization", "Acme", "--project", "Gym")

    assert sorted(made) == ["api_key_id", "api_key_secret", "organization_id", "project_id"]
    assert Organization.objects.get().name == "Acme"
    assert (Project.objects.get().name, ApiKey.objects.get().name) == ("Gym", "Bootstrap key")
    assert "data:erase" not in ApiKey.objects.get().scopes
    assert mints(client, api_key=made["api_key_secret"])


def test_a_further_key_has_scopes_and_expiry(owner: Machine, client: Any) -> None:
    made = answer(
        "create_api_key", str(owner.project.id), "--name", "CI", "--scope", "sessions:write",
        "--expires-in-days", "30",
    )  # fmt: skip

    key = ApiKey.objects.get(id=made["api_key_id"])
    assert (key.name, key.scopes, made["scopes"]) == ("CI", ["sessions:write"], key.scopes)
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days in (29, 30)
    assert mints(client, api_key=made["api_key_secret"])
    assert mints(client, api_key=owner.secret)


def test_a_service_account_is_made_alike(owner: Machine, client: Any) -> None:
    made = answer("create_api_key", str(owner.project.id), "--service-account")

    assert made["scopes"] == sorted({*Scope.values} - {"data:erase"})
    assert ServiceAccount.objects.get().id == UUID(made["service_account_id"])
    assert mints(
        client,
        service_account_id=made["service_account_id"],
        service_account_secret=made["service_account_secret"],
    )


@pytest.mark.parametrize(
    "arguments", [["00000000-0000-4000-8000-000000000000"], ["{project}", "--expires-in-days", "0"]]
)
def test_a_wrong_call_makes_no_key(owner: Machine, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", *(one.format(project=owner.project.id) for one in arguments))
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("two\nlines", "Holds a control or format character."),
        (" ", "Holds nothing but spaces."),
        ("x" * 256, "Is not of 1 to 255 characters."),
    ],
)
def test_a_name_that_does_not_show_makes_nothing(owner: Machine, name: str, sentence: str) -> None:
    for command in (
        ["bootstrap_project", f"--organization={name}"],
        ["bootstrap_project", f"--project={name}"],
        ["bootstrap_project", f"--key-name={name}"],
        ["create_api_key", str(owner.project.id), f"--name={name}"],
        ["create_api_key", str(owner.project.id), "--service-account", f"--name={name}"],
    ):
        option = command[-1].partition("=")[0]
        with nothing_changes(), pytest.raises(CommandError) as told:
            call_command(*command)
        assert str(told.value) == f"Error: argument {option}: {sentence}"


def test_the_catalogue_is_loaded_once(db: None) -> None:
    first = answer("load_catalogue")

    assert (first["new_versions"], len(first["movespecs"])) == (19, 19)
    assert answer("load_catalogue") == {**first, "new_versions": 0}
    assert MoveSpec.objects.public().count() == Release.objects.count() == 19
    assert set(first["movespecs"].values()) == {str(one.id) for one in MoveSpec.objects.all()}
