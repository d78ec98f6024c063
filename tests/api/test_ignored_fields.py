"""Kyna-Ignored: the fields and parameters that were sent and that nothing reads"""

import uuid

import pytest

from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS

HEADER = "Kyna-Ignored"


def ignored(response):
    return response.headers.get(HEADER)


@pytest.fixture
def create(owner):
    def create(body, query=""):
        return owner.post(f"{MOVESPECS}{query}", body)

    return create


def test_unknown_fields_are_named_and_change_nothing_else(owner, movespec):
    response = owner.create_session(movespec, labels={"a": 1}, Mode="live", limit=3)
    assert (response.status_code, ignored(response)) == (201, "labels, Mode;nearest=mode, limit")
    assert sorted(response.json()) == sorted(owner.create_session(movespec).json())
    assert DetectionSession.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"name": "x", "n\\u0061mes": 1}', "names;nearest=name"),
        ('{"name": "x", "größe": 1}'.encode(), "gr%C3%B6%C3%9Fe"),
        (b'{"name": "x", "": 1}', '""'),
        (b'{"name": "x", "a, b": 1, "%": 1, "\\"\\"": 1}', "a%2C%20b, %25, %22%22"),
        (b'{"name": "x", "a\\r\\nSet-Cookie: x=1": 1}', "a%0D%0ASet-Cookie:%20x=1"),
        (b'{"name": "x", "\\u0000\\ud800": 1}', "%00%ED%A0%80"),
    ],
)
def test_a_name_is_told_in_visible_ascii(create, body, told):
    response = create(body)
    assert (response.status_code, ignored(response)) == (201, told)


def test_it_is_bounded(create):
    alike = {f"{'x' * 64}{n}": n for n in range(5_000)}
    assert ignored(create({"name": "x"} | alike)) == "x" * 64
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
        ("GET", f"{SESSIONS}?limit=5&offset=3&offset=4&Status=x", "offset, Status;nearest=status"),
        ("GET", f"{session}?limit=5", "limit"),
        ("GET", f"{session}/events?cursor=x&after={uuid.uuid4()}", "cursor"),
        ("POST", f"{session}/finalize?force=1", "force"),
        ("GET", f"{MOVESPECS}?a%0d%0ab=1&%2C=1&=1", 'a%0D%0Ab, %2C, ""'),
    ):
        assert ignored(owner.call(method, path)) == told, path


def test_an_error_tells_them_as_well(owner, movespec):
    """A 422 often comes from a field that is misspelt."""
    with nothing_changes():
        response = owner.post(SESSIONS, {"mode": "live", "project": str(owner.project.id)})
        assert refused_fields(response, "project_id") == {"project_id": "This field is required."}
        assert ignored(response) == "project;nearest=project_id"
        for response, code, told in (
            (owner.post(f"{SESSIONS}?a=1", b"{"), "malformed_request", "a"),
            (owner.get(f"{SESSIONS}?limit=0&a=1"), "validation_error", "a"),
            (owner.get(f"{SESSIONS}/{uuid.uuid4()}?a=1"), "not_found", "a"),
            (ask("POST", TOKENS, {"api_key": "kyna_sk_x", "a": 1}), "api_key_invalid", "a"),
            (
                owner.create_session(movespec, contract_major=2, a=1),
                "contract_version_unsupported",
                "a",
            ),
        ):
            assert response.json()["error"]["code"] == code
            assert ignored(response) == told, code
