"""GET /api/auth/access-tokens and GET /api/auth/access-tokens/{token_id}"""

import uuid
from datetime import UTC, datetime, timedelta

from projects.access_tokens import access_token_mint
from projects.credentials import credential_issue
from projects.models import AccessToken, CredentialKind
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import TOKENS, make_machine

CREATED_AT = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)


def make_token(credential, scopes=("sessions:read",), now=CREATED_AT):
    return access_token_mint(credential=credential, scopes=scopes, now=now)


def test_it_shows_every_field_of_a_record(owner):
    row, _ = make_token(owner.credential, ["tokens:read", "movespecs:read"])
    record = {
        "token_id": str(row.id),
        "project_id": str(owner.project.id),
        "credential_type": "api_key",
        "credential_id": str(owner.credential.id),
        "scopes": ["movespecs:read", "tokens:read"],
        "created_at": "2100-05-06T07:08:09.250000Z",
        "expires_at": "2100-05-06T07:23:09Z",
        "revoked_at": None,
    }
    assert owner.get(f"{TOKENS}/{row.id}").json() == record
    assert owner.get(TOKENS).json()[0] == record


def test_it_says_when_a_token_was_revoked(owner):
    row, _ = make_token(owner.credential)
    AccessToken.objects.filter(id=row.id).update(revoked_at=CREATED_AT + timedelta(seconds=1))
    assert owner.get(f"{TOKENS}/{row.id}").json()["revoked_at"] == "2100-05-06T07:08:10.250000Z"


def test_it_names_a_service_account(owner):
    account, _ = credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="worker"
    )
    row, _ = make_token(account)
    record = owner.get(f"{TOKENS}/{row.id}").json()
    assert (record["credential_type"], record["credential_id"]) == (
        "service_account",
        str(account.id),
    )


def test_it_lists_all_tokens_of_the_project_newest_first(owner):
    second_key, _ = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="second"
    )
    rows = [
        make_token(credential, now=CREATED_AT + timedelta(seconds=seconds))[0]
        for seconds, credential in enumerate([owner.credential, second_key, owner.credential])
    ]
    listed = [record["token_id"] for record in owner.get(TOKENS).json()]
    assert listed[:3] == [str(row.id) for row in reversed(rows)]
    assert len(listed) == 4  # and the one that asks


def test_it_never_shows_a_token_or_a_secret(owner):
    row, token = make_token(owner.credential)
    for path in (TOKENS, f"{TOKENS}/{row.id}"):
        text = owner.get(path).content.decode()
        for secret in (token, owner.token, owner.secret):
            assert secret not in text
            assert secret.rpartition(".")[2] not in text


def test_it_shows_no_token_of_another_project(owner, peer, outsider):
    rows = [make_token(machine.credential)[0] for machine in (peer, outsider)]
    with nothing_changes():
        assert len(owner.get(TOKENS).json()) == 1
        for row in rows:
            refused(owner.get(f"{TOKENS}/{row.id}"), 404, "not_found", resource="access_token")


def test_it_does_not_know_a_token_that_does_not_exist(owner):
    for id_ in (uuid.uuid4(), "no-uuid"):
        refused(owner.get(f"{TOKENS}/{id_}"), 404, "not_found", resource="access_token")


def test_a_new_project_has_only_the_token_it_asks_with(owner):
    newcomer = make_machine(owner.organization, "newcomer")
    assert len(newcomer.get(TOKENS).json()) == 1
