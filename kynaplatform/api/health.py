"""Health, readiness and metrics, for operators and their monitoring."""

import hmac
import logging
from typing import Literal

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpResponse
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client import CONTENT_TYPE_LATEST

from kynaplatform.api import errors
from kynaplatform.api.metrics import exposition
from kynaplatform.api.views import ApiRequest, ApiView, operation
from kynaplatform.api.wire import Answer

logger = logging.getLogger("kynaplatform.health")
BROKER_SECONDS = 2


class Health(Answer):
    status: Literal["ok"]


class Readiness(Answer):
    status: Literal["ok"]
    database: Literal["ok"]
    broker: Literal["ok"]


class HealthView(ApiView):
    tag, resource = "Platform", "health"

    @operation(summary="Is the process up", bearer="none", counted="no", returns=Health)
    def get(self, request: ApiRequest) -> Health:
        """Asks nothing of any other service."""
        return Health(status="ok")


class ReadinessView(ApiView):
    tag, resource = "Platform", "readiness"

    @operation(summary="Can requests be served", bearer="none", counted="no", returns=Readiness)
    def get(self, request: ApiRequest) -> Readiness:
        """503 names what is down: the database, the broker."""
        states = {"database": database_state(), "broker": broker_state()}
        if set(states.values()) != {"ok"}:
            raise errors.ServiceUnavailable(**states)
        return Readiness(status="ok", database="ok", broker="ok")


class MetricsView(ApiView):
    tag, resource = "Platform", "metrics"

    @operation(
        summary="Prometheus metrics",
        bearer="none",
        counted="no",
        returns="text/plain",
        errors=(errors.AccessTokenMissing, errors.AccessTokenInvalid, errors.NotFound),
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Bearer METRICS_TOKEN; 404 in production while it is unset."""
        require_metrics_access(request.META.get("HTTP_AUTHORIZATION", ""))
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def database_state() -> Literal["ok", "down"]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        connection.close()
        return "down"
    return "ok"


def broker_state() -> Literal["ok", "down"]:
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=0, timeout=BROKER_SECONDS)
    except (OSError, BrokerError) as error:
        logger.warning("broker out of reach: %s", error)
        return "down"
    return "ok"


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
