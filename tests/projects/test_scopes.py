"""projects:read and sessions:read grant each other: in a token, and when one is minted."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from kynaplatform import clock
from projects.credentials import (
    credential_grant,
    credential_issue,
    credential_revoke,
    credential_rotate,
)
from projects.models import ALL_SCOPES, Credential, CredentialKind, granted_scopes
from tests.api.api_requests import ask, refused
from tests.conftest import SESSIONS, TOKENS

READERS = ["projects:read", "sessions:read"]


@pytest.mark.parametrize("scope", READERS)
def test_it_reads_sessions_with_either_and_writes_none(owner, movespec, scope):
    session = f"{SESSIONS}/{owner.create_session(movespec).json()['session_id']}"
    token = owner.token_with(scope)
    assert ask("GET", session, token=token).status_code == 200
    assert len(ask("GET", SESSIONS, token=token).json()) == 1
    refused(
        ask("POST", f"{session}/cancel", token=token),
        403,
        "insufficient_scope",
        required_scope="sessions:write",
    )


@pytest.mark.parametrize(("has", "asks"), [READERS, READERS[::-1]])
def test_a_credential_with_one_can_mint_the_other(owner, has, asks):
    _, secret = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="old client", scopes=[has]
    )
    response = ask("POST", TOKENS, {"api_key": secret, "scopes": [asks]})
    assert (response.status_code, response.json()["scopes"]) == (201, [asks])
    assert ask("GET", SESSIONS, token=response.json()["access_token"]).status_code == 200


def test_those_two_grant_each_other_and_no_other_scope_grants_another():
    for scope in ALL_SCOPES:
        assert granted_scopes([scope]) == ({*READERS} if scope in READERS else {scope})


def scopes_of_successor(credential):
    successor, _ = credential_rotate(
        credential=credential,
        seen_expires_at=None,
        overlap=timedelta(0),
        expires_at=None,
        now=clock.now(),
    )
    return successor.scopes


def grant(*words):
    call_command("grant_scopes", *words, reason="Ticket 812", stdout=StringIO())


def test_an_existing_key_is_given_further_scopes(owner, movespec):
    credential, secret = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="narrow", scopes=["tokens:read"]
    )
    minted = ask("POST", TOKENS, {"api_key": secret}).json()
    grant(credential.id, "usage:read", "sessions:read")

    again = ask("POST", TOKENS, {"api_key": secret}).json()
    assert again["scopes"] == ["sessions:read", "tokens:read", "usage:read"]
    assert ask("GET", SESSIONS, token=again["access_token"]).status_code == 200
    refused(
        ask("GET", SESSIONS, token=minted["access_token"]),
        403,
        "insufficient_scope",
        required_scope="sessions:read",
    )


def test_a_successor_has_the_scopes_that_were_given_since_its_predecessor_was_read(owner):
    read, _ = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="narrow", scopes=["tokens:read"]
    )
    credential_grant(credential_id=read.id, scopes=["usage:read"], now=clock.now())
    assert scopes_of_successor(read) == ["tokens:read", "usage:read"]


def test_a_successor_keeps_a_scope_that_newer_code_had(owner):
    scopes = ["of_newer_code:read", "tokens:read"]
    Credential.objects.filter(id=owner.credential.id).update(scopes=scopes)
    assert scopes_of_successor(owner.credential) == scopes


def test_scopes_are_given_to_live_credentials_alone(owner):
    credential_revoke(credential=owner.credential, now=clock.now())
    with pytest.raises(CommandError, match="There is no live credential"):
        grant(owner.credential.id, "usage:read")


def test_what_is_no_scope_is_neither_issued_nor_given(owner):
    with pytest.raises(ValueError, match="sessions:all"):
        credential_issue(
            project=owner.project, kind=CredentialKind.API_KEY, name="x", scopes=["sessions:all"]
        )
    with pytest.raises(ValueError, match="at least one"):
        credential_issue(project=owner.project, kind=CredentialKind.API_KEY, name="x", scopes=[])
    assert Credential.objects.get() == owner.credential
    with pytest.raises(CommandError, match="sessions:all"):
        grant(str(owner.credential.id), "sessions:all")
