"""Authorization: Bearer — the forms of the header, and the state behind a token."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from kynaplatform import clock
from projects.access_tokens import AUDIENCE, TOKEN_TYPE, access_token_mint
from projects.models import AccessToken, Credential
from projects.signing import ISSUER, key_ring, sign
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS

NOW = datetime(2100, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {} "])
def test_it_takes_the_scheme_in_any_case(owner, form):
    assert ask("GET", SESSIONS, authorization=form.format(owner.token)).status_code == 200


@pytest.mark.parametrize("header", ["", "Basic a2V5", "Token {}", "{}", "Bearer,{}"])
def test_it_misses_a_token_without_the_scheme(owner, header):
    response = ask("GET", SESSIONS, authorization=header.format(owner.token))
    refused(response, 401, "access_token_missing")


@pytest.mark.parametrize(
    "token",
    [
        *("", "a.b.c", "....", "{} {}", "{}.", "ключ", "e30.e30.", "bnVsbA.bnVsbA.bnVsbA"),
    ],
)
def test_it_refuses_what_is_no_token(owner, token):
    token = token.format(owner.token, owner.token)
    refused(ask("GET", SESSIONS, token=token), 401, "access_token_invalid")


def test_a_token_is_good_until_the_second_it_expires(owner, monkeypatch):
    token = access_token_mint(
        credential=owner.credential, scopes=["sessions:read"], now=NOW - timedelta(seconds=900)
    )[1]
    monkeypatch.setattr(clock, "now", lambda *_: NOW - timedelta(microseconds=1))
    assert ask("GET", SESSIONS, token=token).status_code == 200
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    refused(ask("GET", SESSIONS, token=token), 401, "access_token_expired")


def test_a_token_whose_record_has_expired_is_expired(owner):
    AccessToken.objects.update(created_at=NOW - timedelta(days=36_500), expires_at=clock.now())
    with nothing_changes():
        refused(owner.get(SESSIONS), 401, "access_token_expired")


@pytest.mark.parametrize(
    ("not_before", "is_good"),
    [(-1, True), (10, True), (11, False), (10**30, False), ("0", False), (None, False)],
)
def test_a_token_is_refused_before_its_time_but_for_what_clocks_differ(
    owner, monkeypatch, not_before, is_good
):
    """In seconds from now; two machines' clocks may differ by ten."""
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    record = access_token_mint(credential=owner.credential, scopes=["sessions:read"], now=NOW)[0]
    key = key_ring().active(NOW)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": str(record.id),
        "exp": int(record.expires_at.timestamp()),
        "nbf": int(NOW.timestamp()) + not_before if isinstance(not_before, int) else not_before,
    }
    token = sign(TOKEN_TYPE, claims, key.id, key_ring().private(key.id, NOW))
    answer = ask("GET", SESSIONS, token=token)
    if is_good:
        assert answer.status_code == 200
    else:
        refused(answer, 401, "access_token_invalid")


def test_an_expired_token_is_told_as_expired_even_when_it_was_revoked(owner, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: datetime(2110, 1, 1, tzinfo=UTC))
    Credential.objects.update(revoked_at=NOW)
    refused(owner.get(SESSIONS), 401, "access_token_expired")


def test_a_credential_that_was_shortened_ends_its_tokens(owner, monkeypatch):
    Credential.objects.filter(id=owner.credential.id).update(expires_at=clock.now())
    with nothing_changes():
        refused(owner.get(SESSIONS), 401, "access_token_invalid")


def test_it_notes_the_use_of_a_credential_at_most_once_a_minute(owner, monkeypatch):
    token = access_token_mint(
        credential=owner.credential, scopes=["sessions:read"], now=NOW - timedelta(seconds=120)
    )[1]
    used = []
    for seconds in (0, 59, 60):
        now = NOW + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda *_, now=now: now)
        assert ask("GET", SESSIONS, token=token).status_code == 200
        used.append(Credential.objects.get(id=owner.credential.id).last_used_at)
    assert used == [NOW, NOW, NOW + timedelta(seconds=60)]


def test_a_refused_token_notes_no_use(owner):
    Credential.objects.update(last_used_at=None)
    refused(ask("GET", SESSIONS, token=owner.token[:-4]), 401, "access_token_invalid")
    assert Credential.objects.filter(last_used_at__isnull=False).count() == 0


def test_a_bearer_needs_no_csrf_token(owner):
    browser = Client(enforce_csrf_checks=True)
    response = ask("POST", MOVESPECS, {"name": "x"}, token=owner.token, client=browser)
    assert response.status_code == 201
    assert response.cookies == {}
