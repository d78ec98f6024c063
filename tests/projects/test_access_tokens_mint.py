"""POST /api/auth/access-tokens"""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from kynaplatform import clock
from projects import credentials
from projects.credentials import credential_issue
from projects.models import ALL_SCOPES, AccessToken, Credential, CredentialKind
from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import SESSIONS, TOKENS


def post(body, **more):
    return ask("POST", TOKENS, body, **more)


@pytest.fixture
def account(owner):
    """A service account of the owner's project, and its secret."""
    return credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="worker"
    )


def pair(machine, **more):
    return {"api_key_id": str(machine.credential.id), "api_key_secret": machine.secret, **more}


def account_pair(account, **more):
    credential, secret = account
    return {"service_account_id": str(credential.id), "service_account_secret": secret, **more}


# What it answers


def test_it_answers_with_a_token_and_everything_about_it(owner, monkeypatch):
    now = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda *_: now)
    response = post(pair(owner))
    assert response.status_code == 201
    body = response.json()
    token = AccessToken.objects.get(id=body["token_id"])
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in_seconds": 900,
        "organization_id": str(owner.organization.id),
        "project_id": str(owner.project.id),
        "token_id": str(token.id),
        "scopes": sorted(ALL_SCOPES),
        "expires_at": "2100-05-06T07:23:09Z",
    }
    assert (token.project_id, token.credential_id) == (owner.project.id, owner.credential.id)
    assert (token.created_at, token.expires_at) == (now, datetime(2100, 5, 6, 7, 23, 9, tzinfo=UTC))
    assert (token.scopes, token.revoked_at) == (sorted(ALL_SCOPES), None)


def test_its_token_is_an_rfc_9068_jwt(owner):
    body = post(pair(owner, scopes=["sessions:read", "movespecs:read"])).json()
    keys = KeySet.import_key_set(ask("GET", "/.well-known/jwks.json").json())
    token = jwt.decode(body["access_token"], keys, algorithms=["EdDSA"])
    row = AccessToken.objects.get(id=body["token_id"])
    assert token.header == {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.keys[0].kid}
    assert token.claims == {
        "iss": "kynaplatform",
        "aud": "kyna-api",
        "sub": str(owner.credential.id),
        "client_id": str(owner.credential.id),
        "jti": str(row.id),
        "iat": int(row.created_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "scope": "movespecs:read sessions:read",
    }


def test_it_lives_as_long_as_the_setting_says_and_no_longer_than_its_credential(
    owner, settings, monkeypatch
):
    settings.ACCESS_TOKEN_SECONDS = 60
    assert post(pair(owner)).json()["expires_in_seconds"] == 60
    now = datetime(2100, 5, 6, 7, 8, 9, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda *_: now)
    Credential.objects.filter(id=owner.credential.id).update(expires_at=now + timedelta(seconds=30))
    body = post(pair(owner)).json()
    assert (body["expires_in_seconds"], body["expires_at"]) == (30, "2100-05-06T07:08:39Z")


def test_it_notes_that_the_credential_was_used_once_a_minute(owner, monkeypatch):
    begun = datetime(2100, 5, 6, 7, 8, 9, tzinfo=UTC)
    used = []
    for seconds in (0, 59, 60):
        now = begun + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda *_, now=now: now)
        assert post(pair(owner)).status_code == 201
        used.append(Credential.objects.get(id=owner.credential.id).last_used_at)
    assert used == [begun, begun, begun + timedelta(seconds=60)]


# The shapes of a credential


def test_it_takes_a_key_in_every_shape(owner):
    id_, secret = str(owner.credential.id), owner.secret
    for body in (
        {"api_key_id": id_, "api_key_secret": secret},
        {"api_key_id": id_.upper(), "api_key_secret": secret},
        {"api_key": secret},
        {"api_key": f"{id_}:{secret}"},
        {"api_key": secret, "api_key_id": None, "service_account_secret": None},
        {"api_key": secret, "unknown": {"field": [1]}},
    ):
        response = post(body)
        assert response.status_code == 201, body
        assert response.json()["project_id"] == str(owner.project.id)


def test_it_takes_a_service_account(owner, account):
    response = post(account_pair(account))
    assert response.status_code == 201
    token = AccessToken.objects.get(id=response.json()["token_id"])
    assert (token.project_id, token.credential_id) == (owner.project.id, account[0].id)


ID, SECRET = str(uuid.uuid4()), "kyna_sk_secret"
KEY = {"api_key_id": ID, "api_key_secret": SECRET}
ACCOUNT = {"service_account_id": ID, "service_account_secret": SECRET}


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"api_key_secret": SECRET}, {"service_account_id": ID}),
        {"api_key_id": ID, "service_account_secret": SECRET},
        {"api_key": SECRET, "api_key_id": ID},
        {"api_key": SECRET, **KEY},
        {**KEY, **ACCOUNT},
    ],
)
def test_it_refuses_other_than_exactly_one_shape(owner, body):
    with nothing_changes():
        refused_fields(post(body), "body")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("api_key", value) for value in ("", 7, "k" * 401)),
        *(("api_key_id", ["a"]), ("service_account_secret", False)),
        *(("project_id", "p"), ("project_id", 1)),
    ],
)
def test_it_refuses_a_field_of_another_type(owner, field, value):
    with nothing_changes():
        refused_fields(post({**pair(owner), field: value}), field)


# A wrong credential


def with_last_character_changed(secret):
    return secret[:-1] + ("A" if secret[-1] != "A" else "B")


def test_it_says_the_same_of_every_wrong_key(owner, peer, account):
    id_, secret = str(owner.credential.id), owner.secret
    expired, expired_secret = credential_issue(
        project=owner.project,
        kind=CredentialKind.API_KEY,
        name="old",
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    revoked, revoked_secret = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="gone"
    )
    Credential.objects.filter(id=revoked.id).update(revoked_at=timezone.now())
    unknown = uuid.uuid4()
    with nothing_changes():
        errors = [
            refused(post(body), 401, "api_key_invalid")
            for body in (
                {"api_key_id": id_, "api_key_secret": with_last_character_changed(secret)},
                {"api_key_id": id_, "api_key_secret": peer.secret},
                {"api_key_id": str(peer.credential.id), "api_key_secret": secret},
                {"api_key_id": "no uuid", "api_key_secret": secret},
                {"api_key": "wrong"},
                {"api_key": secret.replace(owner.credential.id.hex, unknown.hex)},
                {"api_key": f"{unknown}:{secret}"},
                {"api_key": f"{id_}:"},
                {"api_key_id": str(expired.id), "api_key_secret": expired_secret},
                {"api_key_id": str(revoked.id), "api_key_secret": revoked_secret},
                # A service account's secret is no API key, and says nothing else.
                {"api_key_id": str(account[0].id), "api_key_secret": account[1]},
                {"api_key": account[1]},
            )
        ]
    assert len({str(error) for error in errors}) == 1
    assert secret not in str(errors)


def test_it_says_the_same_of_every_wrong_service_account(owner, account):
    credential, secret = account
    with nothing_changes():
        errors = [
            refused(post(body), 401, "service_account_invalid")
            for body in (
                account_pair((credential, with_last_character_changed(secret))),
                account_pair((owner.credential, secret)),
                {"service_account_id": "no uuid", "service_account_secret": secret},
            )
        ]
        Credential.objects.filter(id=credential.id).update(revoked_at=timezone.now())
        errors.append(refused(post(account_pair(account)), 401, "service_account_invalid"))
        Credential.objects.filter(id=credential.id).update(revoked_at=None)
    assert len({str(error) for error in errors}) == 1


def test_a_secret_hashed_with_an_earlier_pepper_still_works(owner, settings):
    settings.SECRET_PEPPERS = {2: b"another pepper of 32 bytes......", **settings.SECRET_PEPPERS}
    assert post({"api_key": owner.secret}).status_code == 201
    newer, secret = credential_issue(
        project=owner.project, kind=CredentialKind.API_KEY, name="newer"
    )
    assert newer.pepper_number == 2
    assert post({"api_key": secret}).status_code == 201
    del settings.SECRET_PEPPERS[1]
    refused(post({"api_key": owner.secret}), 401, "api_key_invalid")
    assert post({"api_key": secret}).status_code == 201


def test_an_earlier_pepper_gives_way_at_the_next_mint(owner, settings, monkeypatch):
    """Once the restart that brought the newest is over: other processes know it by then."""
    settings.SECRET_PEPPERS = {2: b"another pepper of 32 bytes......", **settings.SECRET_PEPPERS}
    row = Credential.objects.filter(id=owner.credential.id)
    before = row.values().get()
    for seconds, number in ((300, 1), (600, 2)):
        monkeypatch.setattr(credentials, "_STARTED_AT", clock.ticks() - seconds)
        refused(post({"api_key": owner.secret[:-1] + "!"}), 401, "api_key_invalid")
        assert post({"api_key": owner.secret}).status_code == 201
        assert row.get().pepper_number == number
    changed = ("secret_hash", "pepper_number", "last_used_at")
    after = row.values().get()
    assert [after[name] for name in before if name not in changed] == [
        before[name] for name in before if name not in changed
    ]
    del settings.SECRET_PEPPERS[1]
    assert post({"api_key": owner.secret}).status_code == 201


# Project


def test_it_takes_the_credentials_own_project(owner):
    for project_id in (str(owner.project.id), str(owner.project.id).upper(), None):
        response = post(pair(owner, project_id=project_id))
        assert response.status_code == 201
        assert response.json()["project_id"] == str(owner.project.id)


def test_it_refuses_another_project(owner, peer):
    with nothing_changes():
        for project_id in (peer.project.id, uuid.uuid4()):
            refused(post(pair(owner, project_id=str(project_id))), 403, "project_mismatch")


# Scopes


@pytest.fixture
def reader(owner):
    """The body of a key that has two scopes."""
    _, secret = credential_issue(
        project=owner.project,
        kind=CredentialKind.API_KEY,
        name="reader",
        scopes=["movespecs:read", "sessions:read"],
    )
    return {"api_key": secret}


def test_without_scopes_it_gives_all_that_the_credential_has(reader):
    for body in (reader, {**reader, "scopes": None}):
        assert post(body).json()["scopes"] == ["movespecs:read", "sessions:read"]


def test_it_narrows_to_the_scopes_asked_for(reader):
    body = post({**reader, "scopes": ["sessions:read", "sessions:read"]}).json()
    assert body["scopes"] == ["sessions:read"]
    token = body["access_token"]
    assert ask("GET", SESSIONS, token=token).status_code == 200
    refused(
        ask("GET", "/api/movespecs", token=token),
        403,
        "insufficient_scope",
        required_scope="movespecs:read",
    )


@pytest.mark.parametrize(
    ("scopes", "fields"),
    [
        ([], ["scopes"]),
        (["movespecs:read", "movespecs:delete", 5, "*"], ["scopes.1", "scopes.2", "scopes.3"]),
        *((scopes, ["scopes"]) for scopes in ("movespecs:read", {"0": "movespecs:read"}, 1)),
    ],
)
def test_it_names_each_fault_of_scopes(reader, scopes, fields):
    with nothing_changes():
        refused_fields(post({**reader, "scopes": scopes}), *fields)


def test_it_refuses_more_than_the_credential_has(reader):
    with nothing_changes():
        response = post({**reader, "scopes": ["movespecs:read", "tokens:read", "usage:read"]})
    refused(response, 403, "insufficient_scope", required_scope="tokens:read")


# Suspended


@pytest.mark.parametrize(
    ("suspended", "code"),
    [
        (["project"], "project_suspended"),
        (["organization"], "organization_suspended"),
        (["project", "organization"], "organization_suspended"),
    ],
)
def test_it_refuses_the_suspended(owner, suspended, code):
    for name in suspended:
        row = getattr(owner, name)
        row.suspended_at = timezone.now()
        row.save(update_fields=["suspended_at"])
    with nothing_changes():
        refused(post(pair(owner)), 403, code)
        # Who does not hold the secret is not told.
        refused(post({"api_key": owner.secret[:-2] + "xy"}), 401, "api_key_invalid")


# Idempotency-Key


def test_an_idempotency_key_has_no_effect(owner):
    before = AccessToken.objects.count()
    answers = [post(pair(owner), idempotency_key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["token_id"] for answer in answers}) == 2
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)
    assert AccessToken.objects.count() == before + 2
