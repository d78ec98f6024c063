"""The WSGI applications: `api` for machines, `pages` for people, `monitors` for who watches.

Each answers 404 to a path that is not its own.
"""

import codecs
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import django
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

from kynaplatform.api.bodies import MAX_BODY_BYTES
from kynaplatform.checks import refuse_to_start
from kynaplatform.middleware import is_from_proxy

# deploy/nginx.conf says the same to nginx; a test compares them.
API_PREFIXES = ("/api/", "/.well-known/", "/try/sessions", *settings.MONITOR_PATHS)
BLOCK_BYTES = 64 * 1024
MAX_BLOCKS_DISCARDED = 128
# Of the thread that reads the rest of a body that is too large, from a client.
_discarding = threading.Lock()


def is_of_api(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def is_of_pages(path: str) -> bool:
    """Whether `pages` serves it; each service answers its own monitors."""
    return not is_of_api(path) or path in settings.MONITOR_PATHS


class Request(WSGIRequest):
    """A request as Django can read it, of what a client may send and granian passes on."""

    # Of Django's request, and not in its stubs.
    _stream: Any

    def __init__(self, environ: dict[str, Any]) -> None:
        if not _is_readable(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = ""
        super().__init__(environ)
        # Its reading ends with the body: that of other servers waits for the next request.
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and "wsgi.input_terminated" in environ
        self._unread = environ["wsgi.input"] if is_chunked else self._stream
        if is_chunked:
            # Django reads nothing where no length is told.
            self._stream = LimitedStream(self._unread, MAX_BODY_BYTES + 1)

    def discard_unread(self) -> None:
        """Read what is left of the body: many clients listen once they have sent it all."""
        if hasattr(self, "_body") and len(self._body) <= MAX_BODY_BYTES:
            return
        for _ in range(MAX_BLOCKS_DISCARDED):
            if not self._unread.read(BLOCK_BYTES):
                return


def _is_readable(content_type: str) -> bool:
    """Whether it is such a header, and in UTF-8 where it names a charset.

    Django decodes whole addresses and forms by the charset, which may be any codec of Python's.
    """
    if ";" not in content_type:
        return True
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name == "utf-8"
    except (LookupError, ValueError):
        return False


class Service(WSGIHandler):
    """The handler of the paths that `serves` says are its own."""

    request_class = Request

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        super().__init__()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = super().get_response(request)
        if not isinstance(request, Request):
            return response
        # A proxy has the whole body before it asks. From anybody else it may never come, and
        # granian has no time-out: only a view that reads it waits, and one thread of the process,
        # for a client that is still sending what is too large.
        if is_from_proxy(request):
            request.discard_unread()
        elif response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._discard_unless_another_does(request)
        return response

    def _discard_unless_another_does(self, request: Request) -> None:
        if _discarding.acquire(blocking=False):
            try:
                request.discard_unread()
            finally:
                _discarding.release()

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        if not self._serves(request.path_info):
            raise Http404
        return super().resolve_request(request)


class WithApiMiddleware(BaseHandler):
    """A handler with API_MIDDLEWARE alone, where Django's has MIDDLEWARE: it knows no cookies.

    Django has one list for all paths. Those of this one are called around the view, and have no
    `process_view` or other hook.
    """

    # Of Django's handlers, and not in its stubs.
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
    pass


django.setup(set_prefix=False)
pages = Service(is_of_pages)
api = ApiService(is_of_api)
monitors = ApiService(settings.MONITOR_PATHS.__contains__)
refuse_to_start()
