"""The WSGI applications: `api` for machines, `pages` for people, `monitors` for who watches.

Each answers 404 to a path that is not its own.
"""

import codecs
from collections.abc import Callable
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

from kynaplatform.api.bodies import MOST_BODY_BYTES
from kynaplatform.checks import refuse_to_start
from kynaplatform.http.monitor_paths import MONITOR_PATHS
from kynaplatform.http.service_paths import is_of_api, is_of_pages

BLOCK_BYTES = 64 * 1024
MOST_BLOCKS_DISCARDED = 128


class Request(WSGIRequest):
    """A request as Django can read it, of what a client may send and granian passes on."""

    # Of Django's request, and not in its stubs.
    _stream: Any

    def __init__(self, environ: dict[str, Any]) -> None:
        sent = environ["wsgi.input"]
        # Its reading ends with the body: that of other servers waits for the next request.
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and "wsgi.input_terminated" in environ
        if is_chunked:
            # Django reads nothing where no length is told.
            body = sent.read(MOST_BODY_BYTES + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        if not _is_readable(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = ""
        super().__init__(environ)
        self._unread = sent if is_chunked else self._stream

    def discard_unread(self) -> None:
        """Read the body that no view has read: many clients listen once they have sent it all."""
        if hasattr(self, "_body"):
            return
        for _ in range(MOST_BLOCKS_DISCARDED):
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
        if isinstance(request, Request):
            request.discard_unread()
        return response

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
monitors = ApiService(MONITOR_PATHS.__contains__)
refuse_to_start()
