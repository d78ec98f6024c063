"""Access tokens as they are listed, read and revoked"""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from kynaplatform import clock
from projects.access_tokens import access_token_mint
from projects.credentials import credential_issue
from projects.models import AccessToken, CredentialKind
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import SESSIONS, TOKENS, mint

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


# Revoked


def newest_token_id():
    return AccessToken.objects.order_by("-created_at").first().id


def test_it_revokes_a_token_from_now_on(owner, monkeypatch):
    token = mint(owner.credential)
    id_ = newest_token_id()
    assert ask("GET", SESSIONS, token=token).status_code == 200
    now = timezone.now()
    monkeypatch.setattr(clock, "now", lambda *_: now)
    response = owner.post(f"{TOKENS}/{id_}/revoke")
    assert response.status_code == 200
    assert response.json() == {
        **owner.get(f"{TOKENS}/{id_}").json(),
        "revoked_at": now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    refused(ask("GET", SESSIONS, token=token), 401, "access_token_invalid")
    assert AccessToken.objects.get(id=id_).revoked_at == now
    assert AccessToken.objects.filter(revoked_at__isnull=False).count() == 1
    assert owner.get(SESSIONS).status_code == 200


def test_again_it_gives_the_same_answer(owner, monkeypatch):
    mint(owner.credential)
    id_ = newest_token_id()
    first = owner.post(f"{TOKENS}/{id_}/revoke")
    later = timezone.now() + timedelta(seconds=30)
    monkeypatch.setattr(clock, "now", lambda *_: later)
    with nothing_changes():
        again = owner.post(f"{TOKENS}/{id_}/revoke")
    assert (again.status_code, again.content) == (200, first.content)


def test_a_token_can_revoke_itself(owner):
    id_ = AccessToken.objects.get().id
    assert owner.post(f"{TOKENS}/{id_}/revoke").status_code == 200
    refused(owner.post(f"{TOKENS}/{id_}/revoke"), 401, "access_token_invalid")


def test_it_leaves_sessions_alone(owner, movespec):
    session_id = owner.create_session(movespec).json()["session_id"]
    before = DetectionSession.objects.values().get(id=session_id)
    other = mint(owner.credential)
    id_ = AccessToken.objects.order_by("created_at").first().id
    assert ask("POST", f"{TOKENS}/{id_}/revoke", token=other).status_code == 200
    assert DetectionSession.objects.values().get(id=session_id) == before
