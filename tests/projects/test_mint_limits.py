"""Limits of the mint: failures per credential and per address, successes per project"""

import uuid

import pytest

from projects.credentials import credential_issue
from projects.models import CredentialKind
from tests.api.api_requests import ask, fresh_address, limited, nothing_changes
from tests.conftest import SESSIONS, TOKENS


@pytest.fixture(autouse=True)
def _three_a_minute(settings):
    settings.RATE_LIMIT_MINT = 3


@pytest.fixture
def address():
    return fresh_address()


def mint(body, address):
    return ask("POST", TOKENS, body, address=address)


def wrong(machine):
    return {"api_key_id": str(machine.credential.id), "api_key_secret": "wrong"}


def right(machine):
    return {"api_key_id": str(machine.credential.id), "api_key_secret": machine.secret}


def statuses(body, address, times):
    return [mint(body, address).status_code for _ in range(times)]


def is_limited(response, name):
    wait = response.json()["error"]["details"]["retry_after_seconds"]
    limited(response, name, 3, wait)
    assert 55 <= wait <= 60
    assert response.headers["Retry-After"] == str(wait)
    assert response.headers["RateLimit-Limit"] == "3"
    assert response.headers["RateLimit-Remaining"] == "0"
    assert response.headers["RateLimit-Reset"] == str(wait)
    return True


def test_it_refuses_to_try_a_credential_after_its_failures(owner, address):
    answers = [mint(wrong(owner), address) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    with nothing_changes():
        assert is_limited(mint(wrong(owner), address), "mint_address")
        # Nor is the right secret tried: a guess that hits is told like one that does not.
        assert is_limited(mint(right(owner), address), "mint_address")


def test_its_owner_elsewhere_is_not_locked_out(owner, address):
    assert statuses(wrong(owner), address, 4) == [401, 401, 401, 429]
    assert mint(right(owner), fresh_address()).status_code == 201


def test_an_address_fails_no_oftener_with_many_credentials(owner, peer, outsider, address):
    bodies = [wrong(machine) for machine in (owner, peer, outsider)]
    assert [mint(body, address).status_code for body in bodies] == [401] * 3
    with nothing_changes():
        for body in (
            {"api_key_id": str(uuid.uuid4()), "api_key_secret": "x"},
            {"api_key": "x"},
            {"service_account_id": "x", "service_account_secret": "x"},
            right(owner),
        ):
            assert is_limited(mint(body, address), "mint_address")


@pytest.mark.parametrize(
    "shape",
    [
        lambda id_, secret: {"api_key_id": id_, "api_key_secret": secret},
        lambda id_, secret: {"api_key": f"{id_}:{secret}"},
        lambda id_, secret: {"api_key": secret},
        lambda id_, secret: {"service_account_id": id_, "service_account_secret": secret},
    ],
)
def test_failures_of_every_shape_count(owner, address, shape):
    body = shape(str(owner.credential.id), owner.secret[:-3] + "xyz")
    assert statuses(body, address, 4) == [401, 401, 401, 429]


def test_a_success_counts_against_its_project_wherever_it_comes_from(owner, peer):
    _, secret = credential_issue(project=owner.project, kind=CredentialKind.API_KEY, name="second")
    bodies = [right(owner), {"api_key": secret}, right(owner)]
    answers = [mint(body, fresh_address()) for body in bodies]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    with nothing_changes():
        for body in bodies[:2]:
            assert is_limited(mint(body, fresh_address()), "mint_project")
    assert mint(right(peer), fresh_address()).status_code == 201


def test_successes_do_not_count_against_the_address(owner, peer, address):
    assert statuses(right(owner), address, 3) == [201] * 3
    assert statuses(right(peer), address, 3) == [201] * 3
    assert statuses(wrong(peer), address, 4) == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"),
        (b"{", 400, "malformed_request"),
        (b" " * 600_000, 413, "payload_too_large"),
    ],
)
def test_a_body_that_is_none_is_a_failure_of_its_address(owner, address, body, status, code):
    with nothing_changes():
        for _ in range(3):
            answer = mint(body, address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        # Nor is a body looked at any more.
        assert is_limited(mint(body, address), "mint_address")
        assert is_limited(mint(right(owner), address), "mint_address")
    assert mint(right(owner), fresh_address()).status_code == 201


def test_minting_does_not_count_as_a_request_of_the_project(owner, settings, address):
    settings.RATE_LIMIT_PROJECT = 1
    assert statuses(right(owner), address, 3) == [201] * 3
    assert owner.get(SESSIONS).status_code == 200
