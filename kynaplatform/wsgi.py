"""The control plane's WSGI application."""

from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from kynaplatform.checks import refuse_to_start
from kynaplatform.content_type import forget_unreadable

django = get_wsgi_application()
refuse_to_start()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    forget_unreadable(environ)
    return django(environ, start_response)
