"""kynaplatform/api/operations.py: an operation says all of what it takes"""

import re
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

import pytest
from django.urls import URLPattern, get_resolver

from kynaplatform.api.operations import Operation
from kynaplatform.api.views import ApiRequest, ApiView
from tests.conftest import Machine, error_of


def operations() -> Iterator[tuple[str, Operation]]:
    """Each, with its route."""
    for resolver in get_resolver().url_patterns:
        for pattern in getattr(resolver, "url_patterns", [resolver]):
            assert isinstance(pattern, URLPattern) or "admin" in str(resolver.pattern)
            view = getattr(pattern.callback, "cls", object)
            if issubclass(view, ApiView):
                actions = getattr(pattern.callback, "actions", None) or {}
                for method in view.http_method_names:
                    handler = getattr(view, actions.get(method, method), None)
                    if handler is not None and (not actions or method in actions):
                        yield str(pattern.pattern), handler.operation


def test_every_id_of_a_path_is_taken_by_its_operation() -> None:
    found = [*operations()]
    assert len(found) > 20
    for route, operation in found:
        assert {*re.findall(r"<(\w+)>", route)} == operation.resources.keys(), route


def test_what_is_no_id_is_told_by_the_resource_of_the_operation(owner: Machine) -> None:
    told = {
        route: error_of(owner.call("GET", "/" + re.sub(r"<\w+>", "none", route)))["details"]
        for route, operation in operations()
        if operation.resources and "/revoke" not in route
    }
    assert told["api/detection/sessions/<session_id>"] == {"resource": "session"}
    assert told["api/movespecs/<movespec_id>/versions/<version_id>"] == {"resource": "movespec"}
    assert told["api/auth/access-tokens/<token_id>"] == {"resource": "access_token"}


def test_an_id_without_its_resource_is_refused_as_it_is_imported() -> None:
    class View(ApiView):
        def get(self, request: ApiRequest, thing_id: UUID) -> dict[str, str]:
            return {}

        def post(self, request: ApiRequest, thing_id: Annotated[UUID, "thing"]) -> dict[str, str]:
            return {}

    with pytest.raises(TypeError, match=r"get: thing_id must be annotated with a resource\."):
        Operation(summary="", returns=dict)(View.get)
    operation = Operation(summary="", returns=dict)
    assert operation(View.post) is View.post
    assert operation.resources == {"thing_id": "thing"}
