"""Health, readiness and metrics for monitoring, and the schemas of the API and of MoveSpecs."""

import hmac
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from detection import json_schema
from kynaplatform import __version__
from kynaplatform.api import errors
from kynaplatform.api.openapi import openapi_document
from kynaplatform.api.operations import PUBLIC, Operation
from kynaplatform.api.schemas import Answer, doc
from kynaplatform.api.views import ApiRequest, ApiView
from kynaplatform.metrics.exposition import exposition
from kynaplatform.metrics.readiness import is_ready, readiness


class Health(Answer):
    status: Literal["ok"]
    version: Annotated[str, doc("The platform's release.", __version__)]


class ReadinessAnswer(Answer):
    """All but `database` and `migrations` are told of, and change no status."""

    status: Literal["ok"]
    database: Literal["ok"]
    migrations: Literal["ok"]
    signing_keys: Literal["ok", "missing", "unreadable", "down", "unknown"]
    peppers: Literal["ok", "missing", "down", "unknown"]
    webhooks: Literal["ok", "paused", "down", "unknown"]
    static_files: Literal["ok", "missing", "down", "unknown"]
    broker: Literal["ok", "down", "unknown"]


class HealthView(ApiView):
    tag, resource = "Platform", "health"
    access = {"get": PUBLIC}

    @Operation(summary="Is the process up", counted="no")
    def get(self, request: ApiRequest) -> Health:
        """Asks nothing of any other service."""
        return Health(status="ok", version=__version__)


class ReadinessView(ApiView):
    tag, resource = "Platform", "readiness"
    access = {"get": PUBLIC}

    @Operation(summary="Can requests be served", counted="no")
    def get(self, request: ApiRequest) -> ReadinessAnswer:
        """503 while the database is `down`, has a disk that is `full`, or is not migrated; its
        details are the same fields.

        Each thing is asked for 2 s at most.
        """
        states = readiness().states()
        if not is_ready(states):
            raise errors.ServiceUnavailable(**states)
        return msgspec.convert({"status": "ok", **states}, ReadinessAnswer)


class MetricsView(ApiView):
    tag, resource = "Platform", "metrics"
    access = {"get": PUBLIC}

    @Operation(
        summary="Prometheus metrics",
        counted="no",
        returns="text/plain",
        errors=(errors.AccessTokenMissing, errors.AccessTokenInvalid, errors.NotFound),
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Bearer METRICS_TOKEN; 404 in production while it is unset."""
        require_metrics_access(request.META.get("HTTP_AUTHORIZATION", ""))
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


@cache
def movespec_schema() -> bytes:
    return msgspec.json.encode(json_schema())


class OpenApiView(ApiView):
    tag, resource = "Platform", "openapi"
    access = {"get": PUBLIC}

    @Operation(summary="The OpenAPI document")
    def get(self, request: ApiRequest) -> dict[str, Any]:
        """This document, OpenAPI 3.1."""
        return openapi_document()


class MoveSpecSchemaView(ApiView):
    tag, resource = "Platform", "movespec_schema"
    access = {"get": PUBLIC}

    @Operation(summary="The JSON Schema of the MoveSpec language", returns=dict[str, Any])
    def get(self, request: ApiRequest) -> HttpResponse:
        """For editors: completion and checks while a MoveSpec is written."""
        return HttpResponse(movespec_schema(), content_type="application/json")


def require_metrics_access(authorization: str) -> None:
    """Bearer METRICS_TOKEN, or none where it is unset, which in production hides the metrics.

    Raises NotFound, AccessTokenMissing, AccessTokenInvalid.
    """
    if not settings.METRICS_TOKEN:
        if settings.PRODUCTION:
            raise errors.NotFound("path")
        return
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise errors.AccessTokenMissing("Send METRICS_TOKEN as `Authorization: Bearer`.")
    if not hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        raise errors.AccessTokenInvalid("The metrics token is wrong.")
