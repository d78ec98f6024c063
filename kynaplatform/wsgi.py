"""The control plane's two WSGI applications: `api` for machines, `pages` for people."""

from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from kynaplatform.checks import refuse_to_start


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


class ApiHandler(WithApiMiddleware, WSGIHandler):
    pass


pages = get_wsgi_application()
api = ApiHandler()
refuse_to_start()
