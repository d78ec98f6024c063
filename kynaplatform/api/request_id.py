"""A request id on every response and log line, and one log line for every request."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from kynaplatform.api.metrics import observe_request

logger = logging.getLogger("kynaplatform.request")
_current: ContextVar[str] = ContextVar("request_id", default="-")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(given: str) -> str:
    """The client's own id when it is well formed, a new one otherwise."""
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def bear_request_id(request_id: str) -> None:
    """Write it on every log line of the running task, and of what the task starts."""
    _current.set(request_id)


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
            # The path alone: a query string may carry a token.
            logger.info(
                "%s %s %d %.1f ms",
                request.method,
                request.path.encode("unicode_escape").decode(),
                response.status_code,
                elapsed * 1000,
            )
        finally:
            _current.reset(reset)
        return response


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get()
        return True
