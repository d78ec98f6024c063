"""The WSGI applications: `api` for machines, `pages` for people, `monitors` for monitoring.

Each answers 404 to other paths. Whoever imports them has called `web_server.read_settings`, which
sets up Django and checks the settings.
"""

import codecs
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

from kynaplatform.api.bodies import MAX_BODY_BYTES
from kynaplatform.database.connections import drop_closed_connections
from kynaplatform.middleware import is_from_proxy

# deploy/nginx.conf says the same to nginx; a test compares them.
API_PREFIXES = ("/api/", "/.well-known/", "/try/sessions", *settings.MONITOR_PATHS)
BLOCK_BYTES = 64 * 1024
MAX_BLOCKS_DISCARDED = 128
# Held while a thread reads the rest of a body that is too large.
_discarding = threading.Lock()


def is_of_api(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def is_of_pages(path: str) -> bool:
    """Whether `pages` serves it; each service answers its own monitors."""
    return not is_of_api(path) or path in settings.MONITOR_PATHS


class Request(WSGIRequest):
    """Makes a request from granian readable for Django, whatever the client sent."""

    # Django's, missing in its stubs.
    _stream: Any

    def __init__(self, environ: dict[str, Any]) -> None:
        if not _is_readable(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = ""
        super().__init__(environ)
        # granian's input ends with the body; other servers' waits for the next request.
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and "wsgi.input_terminated" in environ
        self._unread = environ["wsgi.input"] if is_chunked else self._stream
        if is_chunked:
            # Django reads nothing without a Content-Length.
            self._stream = LimitedStream(self._unread, MAX_BODY_BYTES + 1)

    def discard_unread(self) -> None:
        """Read the rest of the body: many clients only listen once they have sent it all."""
        if hasattr(self, "_body") and len(self._body) <= MAX_BODY_BYTES:
            return
        for _ in range(MAX_BLOCKS_DISCARDED):
            if not self._unread.read(BLOCK_BYTES):
                return


def _is_readable(content_type: str) -> bool:
    """Whether the header is valid, with UTF-8 as the charset if it has one.

    Django decodes addresses and forms by the charset, which may be any codec of Python's.
    """
    if ";" not in content_type:
        return True
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name == "utf-8"
    except (LookupError, ValueError):
        return False


class Service(WSGIHandler):
    """The handler of the paths for which `serves` is true."""

    request_class = Request

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        # Of the paths without parameters: strangers can't add any.
        self._matches: dict[str, ResolverMatch] = {}
        super().__init__()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = super().get_response(request)
        if not isinstance(request, Request):
            return response
        # A proxy has buffered the whole body. Other clients may never send it, and granian has no
        # time-out: so only views that read it wait, and one thread of the process, for a client
        # that still sends a body that is too large.
        if is_from_proxy(request):
            request.discard_unread()
        elif response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and _discarding.acquire(
            blocking=False
        ):
            try:
                request.discard_unread()
            finally:
                _discarding.release()
        return response

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        if not self._serves(request.path_info):
            raise Http404
        match = self._matches.get(request.path_info) or resolve(request.path_info)
        if not match.args and not match.kwargs:
            self._matches[request.path_info] = match
        request.resolver_match = match
        return match


class WithApiMiddleware(BaseHandler):
    """A handler with API_MIDDLEWARE in place of MIDDLEWARE: it knows no cookies.

    Django has one list for all paths. The middleware here has no `process_view` or other hook.
    """

    # Django's, missing in its stubs.
    _get_response: Any
    _middleware_chain: Any
    _view_middleware: list[Any]
    _template_response_middleware: list[Any]
    _exception_middleware: list[Any]

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware = []
        self._template_response_middleware = []
        self._exception_middleware = []
        handler = convert_exception_to_response(self._get_response)
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler


class ApiService(WithApiMiddleware, Service):
    """Machines send the most requests, so theirs go without Django's signals of requests.

    Of their receivers the API needs those of the database alone.
    """

    def __call__(  # type: ignore[override]
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        drop_closed_connections()
        response = self.get_response(self.request_class(environ))
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        if isinstance(response, HttpResponse):
            close_old_connections()
            return [response.content]
        return response  # the server closes a stream once it is sent, which sends the signal


pages = Service(is_of_pages)
api = ApiService(is_of_api)
monitors = ApiService(settings.MONITOR_PATHS.__contains__)
