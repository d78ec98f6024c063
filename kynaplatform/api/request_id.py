"""A request id on every response and log line, and one log line for every request.

None for static files, and none for what monitoring asks every few seconds.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kynaplatform.api.client_address import client_address
from kynaplatform.api.metrics import observe_request
from kynaplatform.log_lines import NO_REQUEST
from kynaplatform.monitor_paths import MONITOR_PATHS

logger = logging.getLogger("kynaplatform.request")
_current: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")
# The path alone: a query string may carry a token.
_LINE = "%(method)s %(path)s %(status)d %(milliseconds).1f ms from %(address)s"
# Nothing of ours has a longer one.
LONGEST_PATH = 200


def request_id_of(given: str) -> str:
    """The client's own id when it is well formed, a new one otherwise."""
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def bear_request_id(request_id: str) -> None:
    """Write it on every log line of the running task, and of what the task starts."""
    _current.set(request_id)


def add_to_line(request: HttpRequest, **fields: object) -> None:
    """Name these on the request's log line as well."""
    request.__dict__.setdefault("log_fields", {}).update(fields)


def tell_request(request: HttpRequest, status: int, seconds: float) -> None:
    path = request.path
    if path in MONITOR_PATHS or path.startswith(settings.STATIC_URL):
        return
    more: dict[str, object] = getattr(request, "log_fields", {})
    fields = {
        "method": request.method,
        "path": path[:LONGEST_PATH].encode("unicode_escape").decode(),
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
        request_id = request_id_of(request.META.get("HTTP_X_REQUEST_ID", ""))
        reset = _current.set(request_id)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            elapsed = time.perf_counter() - started
            response["X-Request-ID"] = request_id
            # Django would log a failure once more, after the request's id is gone.
            response._has_been_logged = True  # type: ignore[attr-defined]
            observe_request(request, response.status_code, elapsed)
            tell_request(request, response.status_code, elapsed)
        finally:
            _current.reset(reset)
        return response


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get()
        return True
