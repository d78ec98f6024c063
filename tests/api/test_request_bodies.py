"""What is a body: its type, its size, its JSON; and how its faults are named"""

import json
import tracemalloc

import pytest
from django.test import RequestFactory

from kynaplatform.api.bodies import read_body
from kynaplatform.api.errors import PayloadTooLarge
from movespecs.models import MoveSpec
from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS

GOOD = b'{"name": "x"}'
A_VALUE = "a value was expected"
A_KEY = "a key in double quotes was expected"
A_COMMA = "a comma or a closing bracket was expected"
A_NUMBER = "a number, a string or null was expected"
AN_ESCAPE = 'one of "\\/bfnrtu was expected after this backslash'
THE_END = "the end of the text was expected"
ENDS = "but the text ends here"
TOO_DEEP = "it is nested too deeply, with over 500 open brackets here"


@pytest.fixture
def create(owner):
    """Sends a body to POST /api/movespecs as it is."""

    def create(body, **more):
        return ask("POST", MOVESPECS, body, token=owner.token, **more)

    return create


# 415


@pytest.mark.parametrize(
    "content_type",
    [
        "APPLICATION/JSON",
        'application/json; charset="utf-8"',
        "application/json ; charset=UTF8",
    ],
)
def test_it_takes_json(create, content_type):
    assert create(GOOD, content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/jsonx",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/json; charset=latin-1",
    ],
)
def test_it_takes_no_other_type(create, content_type):
    with nothing_changes():
        refused(create(GOOD, content_type=content_type), 415, "unsupported_media_type")


# 413


def of_size(size):
    return GOOD + b" " * (size - len(GOOD))


def test_it_takes_512_kib_and_no_more(create):
    assert create(of_size(524_288)).status_code == 201
    with nothing_changes():
        refused(create(of_size(524_289)), 413, "payload_too_large")
        refused(create(of_size(3_000_000)), 413, "payload_too_large")


def test_a_body_that_is_declared_too_large_is_not_read():
    request = RequestFactory().post(MOVESPECS, of_size(3_000_000), content_type="application/json")
    with pytest.raises(PayloadTooLarge):
        read_body(request)
    assert request.environ["wsgi.input"].read(len(GOOD)) == GOOD


# 400


@pytest.mark.parametrize(
    ("body", "line", "column", "expected"),
    [
        (b"", 1, 1, f"{A_VALUE}, {ENDS}"),
        (b"{", 1, 2, f"{A_KEY}, {ENDS}"),
        (b'{"name": "x",}', 1, 14, f"{A_KEY}, not '}}'"),
        (b'{\n  "name": "x",\r\n\n}', 4, 1, f"{A_KEY}, not '}}'"),
        (b'{"name": ["x", ]}', 1, 16, f"{A_VALUE}, not ']'"),
        (b'{"name" "x"}', 1, 9, "a colon was expected, not '\"'"),
        (b'{"name": "x"\n "description": "x"}', 2, 2, f"{A_COMMA}, not '\"'"),
        (b'{"name": "x"} {}', 1, 15, f"{THE_END}, not '{{'"),
        (b'\xef\xbb\xbf{"name": "x"}', 1, 1, f"{A_VALUE}, not '\\ufeff'"),
        (b'{"n\xc3\xa9": 1,\n"\xc3\xa9\xed\xa0"}', 2, 3, "UTF-8 was expected, not the byte 0xed"),
        (b'{"name": "tab\tbed"}', 1, 14, "an escape such as \\n was expected, not '\\t'"),
        (b'{"name": "\\x"}', 1, 11, AN_ESCAPE),
        (b'{"name": "\\u12"}', 1, 12, "four hexadecimal digits were expected after this \\u"),
        (b'{"name": "x}', 1, 10, "the string that begins here is never closed"),
        (b'{"name": NaN}', 1, 10, A_NUMBER),
        (b'{"name": -Infinity}', 1, 10, A_NUMBER),
        (b'{"name": "-NaN \\" N",\n "unknown": [-1, -Infinity]}', 2, 18, A_NUMBER),
        ('{"name": "x"}'.encode("utf-16"), 1, 1, "UTF-8 was expected, not the byte 0xff"),
        (b"[" * 100_000 + b"]" * 100_000, 1, 501, TOO_DEEP),
        (b'{"name": "[",\n"a":\n' + b"[" * 99_000 + b"]" * 99_000 + b"}", 3, 500, TOO_DEEP),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
def test_what_is_not_json_is_told_where_and_what_was_expected(create, body, line, column, expected):
    with nothing_changes():
        error = refused(create(body), 400, "malformed_request", line=line, column=column)
    where = f"at line {line}, column {column}"
    assert error["message"] == f"The body could not be read as JSON {where}: {expected}."


# 422


@pytest.mark.parametrize(
    "body", [b"[]", b'[{"name": "x"}]', b"null", b"1", b'"x"', b"true", b"1.5"]
)
def test_what_is_no_object_is_told_of_the_whole_body(create, body):
    with nothing_changes():
        refused_fields(create(body), "body")


@pytest.mark.parametrize(
    ("digits", "code"), [(400, "contract_version_unsupported"), (5_000, "validation_error")]
)
def test_a_number_of_any_length_is_json(create, owner, movespec, digits, code):
    number = b"9" * digits
    with nothing_changes():
        refused_fields(create(b'{"name": ' + number + b"}"), "name")
        refused_fields(create(b'{"unknown": ' + number + b"}"), "name")
    assert create(b'{"name": "x", "unknown": ' + number + b"}").status_code == 201
    body = json.dumps(
        {
            "mode": "live",
            "project_id": str(owner.project.id),
            "movespec_id": str(movespec.id),
            "contract_major": 7,
        }
    ).encode()
    with nothing_changes():
        response = owner.post(SESSIONS, body.replace(b"7}", number + b"}"))
    assert response.json()["error"]["code"] == code


def test_unknown_fields_are_ignored_whatever_they_hold(create):
    for unknown in (b'"\\ud800"', b'"\\u0000"', b"[" * 500 + b"]" * 500, b'{"a": {"b": null}}'):
        response = create(b'{"name": "x", "unknown": ' + unknown + b"}")
        assert response.status_code == 201, unknown
    assert MoveSpec.objects.count() == 4


@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800", rb"a\udfff", rb"\udc00\ud800"])
def test_text_that_can_not_be_stored_is_a_fault_of_its_field(create, text):
    with nothing_changes():
        response = create(b'{"name": "x", "description": "' + text + b'"}')
    refused_fields(response, "description")


@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800"])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (TOKENS, b'{"api_key": "x", "scopes": ["%s"]}', "scopes.0"),
        (SESSIONS, b'{"contract_major": "%s"}', "contract_major"),
        (SESSIONS, b'{"parameters": {"%s": 1, "y": "z"}}', "parameters.{}"),
    ],
)
def test_nor_is_it_where_no_text_is_wanted(owner, path, body, field, text):
    with nothing_changes():
        response = ask("POST", path, body % text, token=owner.token)
    escaped = {rb"\u0000": r"\x00", rb"\ud800": r"\ud800"}[text]
    refused_fields(response, field.format(escaped))


def test_what_a_deep_body_takes_is_its_own_size(owner):
    body = b'{"api_key": ' + b'{"%s": ' % ("🦵" * 140).encode() * 490 + b'"\\u0041"' + b"}" * 491
    tracemalloc.start()
    try:
        response = ask("POST", TOKENS, body)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(body)
    finally:
        tracemalloc.stop()
    assert response.status_code == 422


def test_an_item_of_a_list_has_a_dotted_name_and_there_are_at_most_20(owner):
    scopes = ["sessions:read", *(f"scope:{number}" for number in range(30))]
    with nothing_changes():
        response = ask("POST", TOKENS, {"api_key": owner.secret, "scopes": scopes})
    details = refused_fields(response, *(f"scopes.{number}" for number in range(1, 21)))
    assert "scope:0" in details["scopes.1"]


# Elsewhere


def test_an_endpoint_without_a_body_ignores_what_is_sent(owner, movespec):
    session_id = owner.create_session(movespec).json()["session_id"]
    session = f"{SESSIONS}/{session_id}"
    for method, path, body in (
        ("GET", session, b"{"),
        ("POST", f"{session}/finalize", b"{" * 2_000_000),
        ("POST", f"{session}/finalize", b"\xff\x00"),
        ("POST", f"{MOVESPECS}/{movespec.id}/draft/validate", b"[NaN"),
        ("POST", f"{MOVESPECS}/{movespec.id}/archive", b'{"archived_at": null}'),
    ):
        for content_type in ("text/plain", "application/json", "multipart/form-data"):
            response = ask(
                method,
                path,
                body,
                token=owner.token,
                content_type=content_type,
                idempotency_key="not a key",
            )
            assert response.status_code == 200, (method, path)


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", ""])
def test_accept_is_ignored(owner, accept):
    response = owner.get(SESSIONS, accept=accept)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    response = owner.get(f"{SESSIONS}/x", accept=accept)
    refused(response, 404, "not_found", resource="session")


def test_head_is_get_without_the_body(owner, movespec):
    for path in (
        MOVESPECS,
        f"{MOVESPECS}/{movespec.id}",
        f"{MOVESPECS}/{movespec.id}/draft",
        SESSIONS,
        TOKENS,
        "/.well-known/jwks.json",
        "/api/schema",
        "/healthz",
    ):
        head, get = (owner.call(method, path) for method in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
    response = ask("HEAD", SESSIONS)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
