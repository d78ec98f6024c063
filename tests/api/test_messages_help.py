"""Messages for people: what a field may be, in JSON's words, and what to do instead"""

import pytest

from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS

MODES = "This field must be one of live, replay"
UUID = "This field must be a UUID"
SCOPES = (
    "This field must be one of data:erase, movespecs:read, movespecs:write, projects:read, "
    "sessions:read, sessions:write, tokens:read, tokens:write, usage:read, webhooks:read, "
    "webhooks:write"
)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mode", "realtime", f'{MODES}, not "realtime".'),
        ("mode", "x" * 500_000, f'{MODES}, not "{"x" * 40}…".'),
        ("mode", 7, f"{MODES}, not 7."),
        ("project_id", "mine", f"{UUID}."),
        ("movespec_id", {}, f"{UUID} or null, not an object."),
        ("contract_major", "1", 'This field must be a whole number, not the string "1".'),
    ],
)
def test_a_session_is_told_what_its_fields_may_be(owner, movespec, field, value, message):
    body = {
        "mode": "live",
        "project_id": str(owner.project.id),
        "movespec_id": str(movespec.id),
        field: value,
    }
    with nothing_changes():
        assert refused_fields(owner.post(SESSIONS, body), field) == {field: message}


def message_of(response):
    return response.json()["error"]["message"]


def test_the_message_of_a_422_tells_the_first_fault(owner):
    begins = "The request does not fit the schema. "
    for body, first in (
        ({"mode": "film"}, f'mode: {MODES}, not "film".'),
        ({"mode": "live"}, "project_id: This field is required."),
        ({"mode": "live", "project_id": 1, "movespec_id": 2}, f"project_id: {UUID}, not 1."),
        ([], "body: The body must be a JSON object."),
    ):
        with nothing_changes():
            response = owner.post(SESSIONS, body)
        field, told = next(iter(response.json()["error"]["details"].items()))
        assert message_of(response) == f"{begins}{first}" == f"{begins}{field}: {told}"
    queried = message_of(owner.get(f"{SESSIONS}?status=x&limit=0"))
    assert queried.startswith(f"{begins}status: This field must be one of cancelled, ")


def test_a_long_first_fault_is_cut_in_the_message_alone(owner):
    body = {"api_key": owner.secret, "scopes": ["x" * 100_000]}
    with nothing_changes():
        response = ask("POST", TOKENS, body)
    told = refused_fields(response, "scopes.0")["scopes.0"]
    assert told == f'{SCOPES}, not "{"x" * 40}…".'
    whole = f"The request does not fit the schema. scopes.0: {told}"
    assert len(whole) > 200
    assert message_of(response) == f"{whole[:199]}…"


def test_the_message_of_a_movespec_with_errors_tells_the_first(owner, movespec):
    draft = f"{MOVESPECS}/{movespec.id}/draft"
    yaml = "name: x\nversion 1\ndetection:\n"
    assert owner.call("PUT", draft, {"yaml_source": yaml}).status_code == 200
    with nothing_changes():
        response = owner.post(f"{MOVESPECS}/{movespec.id}/versions")
    first = "A key lacks its colon here, or an item of a list its dash."
    error = refused(
        response,
        422,
        "movespec_invalid",
        error_count=1,
        first_error_code="yaml_syntax",
        first_error_message=first,
        first_error_line=2,
    )
    assert error["message"] == f"The MoveSpec's YAML has errors. Line 2: {first}"


def test_a_secret_in_the_wrong_field_is_not_told_back(owner):
    for field in ("project_id", "movespec_id"):
        response = owner.post(SESSIONS, {"mode": "live", field: owner.secret})
        assert owner.secret[-20:] not in response.content.decode()


@pytest.mark.parametrize("form", ["{secret}", "{id}:{secret}"])
def test_an_api_key_as_the_bearer_is_told_how_to_mint(owner, form):
    token = form.format(id=owner.credential.id, secret=owner.secret)
    with nothing_changes():
        error = refused(ask("GET", SESSIONS, token=token), 401, "access_token_invalid")
    assert error["message"] == (
        "This is an API key, not an access token. Send it as `api_key` to "
        "POST /api/auth/access-tokens, and what that answers as `access_token` as the bearer."
    )
    minted = ask("POST", TOKENS, {"api_key": token})
    assert ask("GET", SESSIONS, token=minted.json()["access_token"]).status_code == 200


def test_another_bearer_is_only_said_to_be_wrong(owner):
    for token in ("x", "kyna_sk_", f"{owner.secret}x"):
        error = refused(ask("GET", SESSIONS, token=token), 401, "access_token_invalid")
        assert error["message"] == "The access token is not valid."
