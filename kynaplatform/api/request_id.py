"""A request id on every response and log line, and one log line for every request.

None for static files, and none for what monitoring asks every few seconds.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kynaplatform.http.client_address import client_address
from kynaplatform.http.paths import MONITOR_PATHS
from kynaplatform.logs.lines import request_id, request_id_of, served_request_id
from kynaplatform.metrics.exposition import observe_request

logger = logging.getLogger("kynaplatform.request")
# The path alone: a query string may carry a token.
_LINE = "%(method)s %(path)s %(status)d %(milliseconds).1f ms from %(address)s"
# Nothing of ours has a longer one.
MAX_PATH, MAX_METHOD = 200, 20


def add_to_line(request: HttpRequest, **fields: object) -> None:
    """Name these on the request's log line as well."""
    request.__dict__.setdefault("log_fields", {}).update(fields)


def tell_request(request: HttpRequest, status: int, seconds: float) -> None:
    path = request.path
    if path in MONITOR_PATHS or path.startswith(settings.STATIC_URL):
        return
    more: dict[str, object] = getattr(request, "log_fields", {})
    fields = {
        "method": str(request.method)[:MAX_METHOD],
        "path": path[:MAX_PATH].encode("unicode_escape").decode(),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "address": client_address(request),
        **more,
    }
    logger.info(_LINE + "".join(f" {name}=%({name})s" for name in more), fields)


class RequestIdMiddleware:
    """Keep the client's X-Request-ID when it is well formed, make one otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request_id_of(request.META.get("HTTP_X_REQUEST_ID", ""))
        reset, reset_served = request_id.set(given), served_request_id.set(given)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            elapsed = time.perf_counter() - started
            response["X-Request-ID"] = given
            # Django would log a failure once more, after the request's id is gone.
            response._has_been_logged = True  # type: ignore[attr-defined]
            observe_request(request, response.status_code, elapsed)
            tell_request(request, response.status_code, elapsed)
        finally:
            request_id.reset(reset)
            served_request_id.reset(reset_served)
        return response
