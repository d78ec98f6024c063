"""The platform's descriptions: OpenAPI, and the MoveSpec language's JSON Schema."""

import threading
from functools import cache
from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator

from detection import json_schema
from kynaplatform.api.operations import PUBLIC, Operation
from kynaplatform.api.views import ApiRequest, ApiView

_making = threading.Lock()


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document; made once for each process, by one thread at a time."""
    with _making:
        return _openapi_document()


@cache
def _openapi_document() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return document


@cache
def movespec_schema() -> bytes:
    return msgspec.json.encode(json_schema())


class OpenApiView(ApiView):
    tag, resource = "Platform", "openapi"
    access = {"get": PUBLIC}

    @Operation(
        summary="The OpenAPI document",
        returns=dict[str, Any],
    )
    def get(self, request: ApiRequest) -> dict[str, Any]:
        """This document, OpenAPI 3.1."""
        return openapi_document()


class MoveSpecSchemaView(ApiView):
    tag, resource = "Platform", "movespec_schema"
    access = {"get": PUBLIC}

    @Operation(
        summary="The JSON Schema of the MoveSpec language",
        returns=dict[str, Any],
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """For editors: completion and checks while a MoveSpec is written."""
        return HttpResponse(movespec_schema(), content_type="application/json")
