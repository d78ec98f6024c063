"""`/api/docs`: a page for each operation, made of the document"""

import json
import re

import pytest
import yaml
from django.test import Client

from kynaplatform.api.openapi import openapi_document
from kynaplatform.reference.pages import field_of, pages
from projects.models import Scope


def text_of(address: str) -> str:
    response = Client().get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_there_is_a_page_for_each_operation_but_those_of_monitors() -> None:
    documented = {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for operation in item.values()
    }
    assert documented - set(pages()) == {"health_get", "readiness_get", "metrics_get"}
    overview = text_of("/api/docs")
    for name in pages():
        assert f'<li id="{name}">' in overview
    for path in ("/healthz", "/readyz", "/metrics"):
        assert path not in overview


def test_a_page_says_what_the_operation_is_and_what_it_needs() -> None:
    page = text_of("/api/docs/session_create")
    assert "<h1>Create a detection session</h1>" in page
    assert 'Scope <a href="/api/docs#scopes"><code>sessions:write</code></a>.' in page
    assert "Needs no access token." in text_of("/api/docs/access_token_create")
    assert "without a token, public ones alone" in text_of("/api/docs/movespec_list")
    for name, page_of_one in pages().items():
        told = text_of(f"/api/docs/{name}")
        assert f"<code>{page_of_one.path}</code>" in told
        for error in page_of_one.errors:
            assert f"<code>{error.code}</code>" in told
        for field in (*page_of_one.parameters, *page_of_one.body, *page_of_one.fields):
            assert f"<code>{field.name}</code>" in told


def test_the_overview_says_what_each_scope_opens() -> None:
    told = text_of("/api/docs").partition('id="scopes"')[2]
    named = set(re.findall(r"<dt><code>([a-z:]+)</code></dt>", told))
    # The older name of another is said to be one.
    assert named == set(Scope.values) - {"projects:read"}


def test_a_variable_says_where_it_is_from() -> None:
    assert [
        (one.name, one.field, one.operation)
        for one in pages()["movespec_version_release"].variables
    ] == [
        ("KYNA_MOVESPEC_ID", "movespec_id", "movespec_create"),
        ("KYNA_VERSION_ID", "movespec_version_id", "movespec_version_create"),
    ]
    unexplained = {
        variable
        for page in pages().values()
        for variable in page.call.variables
        if variable not in {one.name for one in page.variables}
    }
    assert unexplained == {"KYNA_URL", "KYNA_TOKEN", "KYNA_API_KEY"}


def test_the_document_is_there_to_keep() -> None:
    as_json = Client().get("/api/docs/openapi.json")
    as_yaml = Client().get("/api/docs/openapi.yaml")
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_yaml.headers["Content-Type"] == "application/yaml"
    for form, response in (("json", as_json), ("yaml", as_yaml)):
        name = f'attachment; filename="kynaplatform.openapi.{form}"'
        assert response.headers["Content-Disposition"] == name
    document = json.loads(json.dumps(openapi_document()))
    assert as_json.json() == document
    assert yaml.load(as_yaml.content, yaml.BaseLoader).keys() == document.keys()  # noqa: S506


def test_a_field_is_told_with_its_type_its_values_and_its_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schemas = openapi_document()["components"]["schemas"]
    monkeypatch.setitem(schemas, "Mode", {"enum": ["live", "replay"]})
    field = field_of(
        "modes",
        {
            "anyOf": [
                {"type": "array", "maxItems": 2, "items": {"$ref": "#/components/schemas/Mode"}},
                {"type": "null"},
            ],
            "description": "Of `live` and <b>.",
        },
        is_required=True,
    )
    assert (field.type, field.values) == ("list or null", ("live", "replay"))
    assert (field.bounds, field.is_required) == ("at most 2 of them", True)
    assert field.description == "Of <code>live</code> and &lt;b&gt;."
