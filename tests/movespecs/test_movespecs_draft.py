"""GET and PUT /api/movespecs/{movespec_id}/draft, POST …/draft/validate"""

import pytest
from django.utils import timezone

from kynaplatform import clock
from movespecs.catalogue import catalogue_text
from movespecs.models import MoveSpecDraft
from movespecs.schemas import EXAMPLE_ROLES
from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, VALID_YAML
from tests.movespecs.writing import BEGUN, CAMERA, INVALID_YAML, ROLES, make_movespec


@pytest.fixture
def movespec(owner):
    return make_movespec(owner.project)


@pytest.fixture
def path(movespec):
    return f"{MOVESPECS}/{movespec.id}/draft"


def put(owner, path, yaml_source):
    return owner.call("PUT", path, {"yaml_source": yaml_source})


def test_a_new_draft_is_empty(owner, movespec, path):
    response = owner.get(path)
    assert response.status_code == 200
    assert response.json() == {
        "draft_id": str(MoveSpecDraft.objects.get().id),
        "movespec_id": str(movespec.id),
        "yaml_source": "",
        "updated_by": None,
        "updated_at": "2100-05-06T07:08:09.250000Z",
    }


def test_put_replaces_the_whole_text(owner, movespec, path, monkeypatch):
    put(owner, path, "first")
    monkeypatch.setattr(clock, "now", lambda *_: BEGUN)
    token = owner.token_with("movespecs:write")
    response = owner.call("PUT", path, {"yaml_source": VALID_YAML}, token=token)
    draft = MoveSpecDraft.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        "draft_id": str(draft.id),
        "movespec_id": str(movespec.id),
        "yaml_source": VALID_YAML,
        "updated_by": str(owner.credential.id),
        "updated_at": "2100-05-06T07:08:09.250000Z",
    }
    assert draft.yaml_source == VALID_YAML


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: a\r\nversion: b\r\n",
        "\ufeffname: x",
        "\u0001\u007f\u0085\u2028\u2029",
        "\ufffe\uffff\U0010ffff",
        "'\"\\ %s %(x)s {0} $1 --",
    ],
)
def test_any_text_is_kept_byte_for_byte(owner, path, text):
    response = put(owner, path, text)
    assert response.status_code == 200
    assert response.json()["yaml_source"] == text
    assert owner.get(path).json()["yaml_source"] == text
    assert MoveSpecDraft.objects.get().yaml_source == text


@pytest.mark.parametrize("character", ["x", "漢"])
def test_it_takes_exactly_65_536_bytes_and_no_more(owner, path, character):
    size = len(character.encode())
    text = character * (65_536 // size) + "x" * (65_536 % size)
    assert len(text.encode()) == 65_536
    assert put(owner, path, text).status_code == 200
    assert owner.get(path).json()["yaml_source"] == text
    with nothing_changes():
        refused_fields(put(owner, path, text + "x"), "yaml_source")


@pytest.mark.parametrize("text", ["a\x00b", "x\udc00y"])
def test_it_refuses_what_can_not_be_stored(owner, path, text):
    with nothing_changes():
        refused_fields(put(owner, path, text), "yaml_source")


# application/yaml


def put_yaml(owner, path, body, content_type="application/yaml"):
    return ask("PUT", path, body, token=owner.token, content_type=content_type)


@pytest.mark.parametrize(
    "content_type",
    ["application/yaml", "Application/YAML; charset=utf-8", 'application/yaml; charset="UTF-8"'],
)
def test_it_takes_the_yaml_itself(owner, path, content_type):
    for text in (VALID_YAML, "", "\ufeffa\r\nb\rc\n", "é 漢字 🦵", '{"yaml_source": "x"}'):
        response = put_yaml(owner, path, text.encode(), content_type)
        assert (response.status_code, response.json()["yaml_source"]) == (200, text)
        assert response.json() == owner.get(path).json()


def test_the_yaml_itself_has_the_same_bounds(owner, path):
    text = "é" * 32_768
    assert put_yaml(owner, path, text.encode()).json()["yaml_source"] == text
    with nothing_changes():
        utf_8 = "This field must be UTF-8, which the byte at offset {} is not."
        for body, fault in (
            (text.encode() + b"x", "This field must be at most 65536 UTF-8 bytes."),
            (b"x" * 512 * 1024, "This field must be at most 65536 UTF-8 bytes."),
            (b"a: \x00", "Holds NUL or a lone surrogate, which can't be stored."),
            (b"a: \xff", utf_8.format(3)),
            (b"\xed\xa0\x80", utf_8.format(0)),
            ("a: b".encode("utf-16"), utf_8.format(0)),
        ):
            response = put_yaml(owner, path, body)
            assert refused_fields(response, "yaml_source") == {"yaml_source": fault}
        refused(put_yaml(owner, path, b"x" * (512 * 1024 + 1)), 413, "payload_too_large")


# Validate


@pytest.fixture
def validated(owner, movespec, path, monkeypatch):
    return lambda text: validate_draft(owner, movespec, text, path, monkeypatch)


def validate_draft(owner, movespec, yaml_source, path, monkeypatch):
    MoveSpecDraft.objects.filter(movespec=movespec).update(yaml_source=yaml_source)
    token = owner.token_with("movespecs:write")
    with monkeypatch.context() as at_begun:
        now = timezone.now()
        at_begun.setattr(clock, "now", lambda *_: now)
        with nothing_changes():
            response = owner.post(f"{path}/validate", token=token)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == [
        "ok", "target_type", "target_id", "validated_at", "errors", "warnings", "roles",
        "camera",
    ]  # fmt: skip
    assert (body["target_type"], body["target_id"]) == (
        "draft",
        str(MoveSpecDraft.objects.get(movespec=movespec).id),
    )
    assert body["validated_at"] == now.isoformat().replace("+00:00", "Z")
    return body


def test_a_valid_draft_is_ok(validated):
    body = validated(VALID_YAML)
    assert (body["ok"], body["errors"], body["warnings"]) == (True, [], [])
    assert (body["roles"], body["camera"]) == (ROLES, CAMERA)


def test_the_example_of_the_document_is_what_the_catalogue_s_squat_is_answered(validated):
    roles = validated(catalogue_text("squat"))["roles"]
    assert [role for role in EXAMPLE_ROLES if role in roles] == EXAMPLE_ROLES


def test_a_draft_with_errors_is_200_and_not_ok(validated):
    body = validated(INVALID_YAML)
    assert (body["ok"], body["warnings"], body["roles"]) == (False, [], [])
    assert body["camera"] is None
    assert [
        {name: issue[name] for name in ("code", "severity", "path", "line", "column")}
        for issue in body["errors"]
    ] == [
        {
            "code": "invalid_value",
            "severity": "error",
            "path": "detection.type",
            "line": 4,
            "column": 9,
        }
    ]
    assert sorted(body["errors"][0]) == ["code", "column", "line", "message", "path", "severity"]
    assert body["errors"][0]["message"]


def test_a_draft_with_warnings_is_ok(validated):
    body = validated(VALID_YAML.replace("bottom, standing]", "bottom, standing, bottom]"))
    assert (body["ok"], body["errors"]) == (True, [])
    assert [(issue["code"], issue["severity"]) for issue in body["warnings"]] == [
        ("sequence_not_closed", "warning")
    ]
