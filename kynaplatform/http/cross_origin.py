"""Which pages a browser lets call us: the rule of the API, and of the stream."""

import logging
import re
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

logger = logging.getLogger("kynaplatform.origins")

PATHS = ("/api/", "/.well-known/")
MAX_REPORTED = 100
MAX_ORIGIN_CHARACTERS = 100
# In development a page is served on whatever port its tools take.
_OF_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")


def is_allowed(origin: str) -> bool:
    """Whether CORS_ALLOWED_ORIGINS lists an `Origin`, or in development it is this machine's."""
    if origin in settings.CORS_ALLOWED_ORIGINS:
        return True
    return not settings.PRODUCTION and _OF_THIS_MACHINE.fullmatch(origin) is not None


def may_stream(origin: str) -> bool:
    """The same, or that of the page at /try, which is on our own host and calls no other API."""
    return is_allowed(origin) or (settings.TRY_PAGE and origin in own_origins())


def own_origins() -> list[str]:
    """The origins of the hosts that ALLOWED_HOSTS names; a pattern names none."""
    hosts = (host.lower() for host in settings.ALLOWED_HOSTS)
    return [f"https://{host}" for host in hosts if not host.startswith((".", "*"))]


def refusal(origin: str) -> str:
    """The sentence for a developer whose page is refused."""
    shown = repr(origin)[1:-1].encode("ascii", "backslashreplace").decode()
    shown = shown[:MAX_ORIGIN_CHARACTERS]
    return f"The server's setting CORS_ALLOWED_ORIGINS does not list the origin {shown}."


class OriginMiddleware(CorsMiddleware):
    """corsheaders' own by this rule, and a line in the log for each origin that it refuses.

    A browser shows a page nothing of an answer that it may not read. Each process tells of an
    origin once, and of no more than MAX_REPORTED.
    """

    def __init__(self, get_response: object) -> None:
        super().__init__(get_response)  # type: ignore[arg-type]
        self._told: set[str] = set()
        self._telling = Lock()

    def __call__(self, request: HttpRequest) -> Any:
        # Most requests are of no page.
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return super().__call__(request)
        response: Any = self.get_response(request)
        if self.is_enabled(request):
            patch_vary_headers(response, ("origin",))
        return response

    def is_enabled(self, request: HttpRequest) -> bool:
        return request.path_info.startswith(PATHS)

    def origin_found_in_white_lists(self, origin: str, url: object) -> bool:
        return is_allowed(origin)

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response = super().add_response_headers(request, response)
        origin = request.headers.get("Origin")
        if origin and self.is_enabled(request) and not is_allowed(origin):
            self._tell(request, origin)
        return response

    def _tell(self, request: HttpRequest, origin: str) -> None:
        if _is_own(request, origin):
            return
        told = refusal(origin)  # it is cut, so that what is kept of a stranger's text is
        with self._telling:
            if told in self._told or len(self._told) == MAX_REPORTED:
                return
            self._told.add(told)
        logger.warning("%s", told)


def _is_own(request: HttpRequest, origin: str) -> bool:
    """A page of ours, such as /api/docs: a browser names its origin as well, and asks nobody."""
    try:
        return urlsplit(origin).netloc == str(request.META.get("HTTP_HOST", ""))
    except ValueError:
        return False
