"""Kyna-Ignored: the fields and parameters that were sent and that nothing reads"""

import uuid

import pytest

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS

HEADER = "Kyna-Ignored"


def ignored(response):
    return response.headers.get(HEADER)


@pytest.fixture
def create(owner):
    def create(body, query=""):
        return owner.post(f"{MOVESPECS}{query}", body)

    return create


def test_a_request_of_known_fields_has_no_such_header(owner, movespec):
    for response in (
        owner.create_session(movespec),
        owner.create_session(movespec, contract_major=1, movespec_version_id=None),
        owner.post(MOVESPECS, {"name": "x", "description": None}),
        owner.get(f"{SESSIONS}?limit=5&status=created"),
        owner.get(f"{MOVESPECS}/{movespec.id}"),
        ask("POST", TOKENS, {"api_key": owner.secret}),
    ):
        assert response.status_code in (200, 201)
        assert ignored(response) is None


def test_unknown_fields_are_named_and_change_nothing_else(owner, movespec):
    response = owner.create_session(movespec, labels={"a": 1}, Mode="live", limit=3)
    assert (response.status_code, ignored(response)) == (201, "labels, Mode, limit")
    assert sorted(response.json()) == sorted(owner.create_session(movespec).json())
    assert DetectionSession.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"name": "x", "n\\u0061mes": 1}', "names"),
        (b'{"name": "x", "a": 1, "a": 2}', "a"),
        (b'{"name": "x", "a": "\\ud800"}', "a"),
        (b'{"name": "x", "a": [[{"name": 1}]]}', "a"),
        ('{"name": "x", "größe": 1}'.encode(), "gr%C3%B6%C3%9Fe"),
        (b'{"name": "x", "": 1}', '""'),
        (b'{"name": "x", "a, b": 1, "%": 1, "\\"\\"": 1}', "a%2C%20b, %25, %22%22"),
        (b'{"name": "x", "a\\r\\nSet-Cookie: x=1": 1}', "a%0D%0ASet-Cookie:%20x=1"),
        (b'{"name": "x", "\\u0000\\ud800": 1}', "%00%ED%A0%80"),
        (b'{"name": "x", "$.a[0]/~!": 1}', "$.a[0]/~!"),
    ],
)
def test_a_name_is_told_in_visible_ascii(create, body, told):
    response = create(body)
    assert (response.status_code, ignored(response)) == (201, told)


def test_it_is_bounded(create):
    response = create({"name": "x"} | {f"{n}-{'x' * 50_000}": n for n in range(9)} | {"é" * 99: 1})
    assert response.status_code == 201
    assert ignored(response).split(", ") == [
        *(f"{n}-{'x' * 62}" for n in range(9)),
        "%C3%A9" * 10 + "%C3",
    ]
    response = create({"name": "x"} | {f"field_{n}": n for n in range(20_000)})
    assert response.status_code == 201
    assert ignored(response) == ", ".join(f"field_{n}" for n in range(10))


def test_unknown_parameters_are_named_too(owner, movespec):
    session = f"{SESSIONS}/{owner.create_session(movespec).json()['session_id']}"
    for method, path, told in (
        ("GET", f"{SESSIONS}?limit=5&offset=3&offset=4&Status=x", "offset, Status"),
        ("GET", f"{SESSIONS}?limt=5", "limt"),
        ("GET", f"{session}?limit=5", "limit"),
        ("GET", f"{session}/events?cursor=x&after={uuid.uuid4()}", "cursor"),
        ("POST", f"{session}/finalize?force=1", "force"),
        ("GET", f"{MOVESPECS}?a%0d%0ab=1&%2C=1&=1", 'a%0D%0Ab, %2C, ""'),
        ("HEAD", f"{MOVESPECS}?q", "q"),
    ):
        assert ignored(owner.call(method, path)) == told, path


def test_parameters_come_before_fields(create):
    assert ignored(create({"name": "x", "b": 1, "a": 1}, "?name=y&a=2")) == "name, a, b"


def test_too_many_parameters_of_an_endpoint_that_takes_none_are_ignored(owner, movespec):
    query = "&".join(f"p{n}" for n in range(1_500))
    response = owner.get(f"{MOVESPECS}/{movespec.id}?{query}")
    assert (response.status_code, ignored(response)) == (200, None)


def test_an_error_tells_them_as_well(owner, movespec):
    """A 422 often comes from a field that is misspelt."""
    with nothing_changes():
        response = owner.post(SESSIONS, {"mode": "live", "project": str(owner.project.id)})
        assert refused_fields(response, "project_id") == {"project_id": "This field is required."}
        assert ignored(response) == "project"
        for response, code, told in (
            (owner.post(f"{SESSIONS}?a=1", b"{"), "malformed_request", "a"),
            (owner.post(MOVESPECS, {"name": " ", "a": 1}), "validation_error", "a"),
            (owner.get(f"{SESSIONS}?limit=0&a=1"), "validation_error", "a"),
            (owner.get(f"{SESSIONS}/{uuid.uuid4()}?a=1"), "not_found", "a"),
            (ask("POST", TOKENS, {"api_key": "kyna_sk_x", "key": 1}), "api_key_invalid", "key"),
            (ask("POST", TOKENS, {"key": 1}), "validation_error", "key"),
            (
                owner.post(SESSIONS, {"a": 1}, idempotency_key="a b"),
                "idempotency_key_invalid",
                "a",
            ),
            (
                owner.create_session(movespec, contract_major=2, a=1),
                "contract_version_unsupported",
                "a",
            ),
        ):
            assert response.json()["error"]["code"] == code
            assert ignored(response) == told, code


def test_what_was_not_read_is_not_told(owner):
    with nothing_changes():
        for response in (
            ask("POST", f"{SESSIONS}?a=1", {"a": 1}),  # 401
            owner.call("DELETE", f"{SESSIONS}?a=1", {"a": 1}),  # 405
            owner.post("/api/nowhere?a=1", {"a": 1}),  # 404
            owner.post(MOVESPECS, b'{"a": 1'),  # 400
        ):
            assert response.status_code in (400, 401, 404, 405)
            assert ignored(response) is None


def test_a_replay_tells_those_of_its_own_request(owner, movespec):
    first = owner.create_session(movespec, idempotency_key="k", first=1)
    again = owner.create_session(movespec, idempotency_key="k", second=1, third=1)
    last = owner.create_session(movespec, idempotency_key="k")
    assert again.content == last.content == first.content
    assert [ignored(one) for one in (first, again, last)] == ["first", "second, third", None]
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_body_that_is_not_taken_is_not_read(owner, movespec):
    for body in (b'{"a": 1}', b"{", b"[" * 100_000):
        response = owner.post(f"{MOVESPECS}/{movespec.id}/draft/validate", body)
        assert (response.status_code, ignored(response)) == (200, None)


def test_a_draft_as_yaml_has_no_fields(owner, movespec):
    path = f"{MOVESPECS}/{movespec.id}/draft"
    yaml = ask("PUT", path, b"a: 1", token=owner.token, content_type="application/yaml")
    json = owner.call("PUT", path, {"yaml_source": "a: 1", "yaml": "a: 1"})
    assert [(one.status_code, ignored(one)) for one in (yaml, json)] == [(200, None), (200, "yaml")]


def test_a_page_may_read_it(owner, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    response = owner.post(MOVESPECS, {"name": "x", "a": 1}, origin="https://app.example")
    assert ignored(response) == "a"
    assert HEADER in response.headers["Access-Control-Expose-Headers"].split(", ")


def test_an_unknown_field_changes_no_rule_of_the_known_ones(create):
    for body, field in (
        ({"name": 5, "a": 1}, "name"),
        ({"name": "x\0", "a": 1}, "name"),
        ({"name": "x", "description": "x" * 2_001, "a": 1}, "description"),
    ):
        with nothing_changes():
            response = create(body)
        refused_fields(response, field)
        assert ignored(response) == "a"
    assert create({"name": "x", "description": None, "a": 1}).json()["description"] is None
    assert MoveSpec.objects.get().description is None


def test_the_scope_is_refused_before_anything_is_read(owner):
    token = owner.token_with("usage:read")
    response = ask("POST", f"{SESSIONS}?a=1", {"a": 1}, token=token)
    refused(response, 403, "insufficient_scope", required_scope="sessions:write")
    assert ignored(response) is None
