"""The platform's descriptions: OpenAPI, the MoveSpec language's JSON Schema, the docs page."""

import threading
from functools import cache
from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from detection import json_schema
from kynaplatform.api.operations import Operation
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

    @Operation(
        summary="The OpenAPI document",
        bearer="none",
        returns=dict[str, Any],
    )
    def get(self, request: ApiRequest) -> dict[str, Any]:
        """This document, OpenAPI 3.1."""
        return openapi_document()


class MoveSpecSchemaView(ApiView):
    tag, resource = "Platform", "movespec_schema"

    @Operation(
        summary="The JSON Schema of the MoveSpec language",
        bearer="none",
        returns=dict[str, Any],
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """For editors: completion and checks while a MoveSpec is written."""
        return HttpResponse(movespec_schema(), content_type="application/json")


class DocsView(SpectacularSwaggerSplitView):
    """The docs page, without a script in it; all come from this server. It asks no one."""

    template_name = "docs.html"
    authentication_classes = []
    http_method_names = ["get", "head"]
    url_name = "openapi"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """The page, whatever Accept says."""
        (renderer,) = self.get_renderers()
        return renderer, renderer.media_type
