"""The content security policy of every response.

django-csp makes its one policy anew for each response, in 50 µs; these never change.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware

from kynaplatform.http.client_address import forget_untrusted_scheme
from kynaplatform.http.paths import MONITOR_PATHS

HEADER = "Content-Security-Policy"
# Scripts and styles of our own files alone: none in a page, none made of text.
_OF_PAGES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
DATA = "default-src 'none'; frame-ancestors 'none'"


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


PAGES = _policy(_OF_PAGES)


@cache
def with_camera(stream_url: str) -> str:
    """The policy of a page with a camera, a landmarker of WebAssembly, and a stream."""
    stream = urlsplit(stream_url)
    return _policy(
        _OF_PAGES
        | {
            "script-src": "'self' 'wasm-unsafe-eval'",
            "connect-src": f"'self' {stream.scheme}://{stream.netloc}",
        }
    )


class ContentSecurityMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        add_policy(response)
        return response


def add_policy(response: HttpResponseBase) -> None:
    """Set the policy of a page, or that of data, where the view has set none."""
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    response.headers.setdefault(HEADER, PAGES if is_page else DATA)


class HostCheckedExceptForMonitors(CommonMiddleware):
    """Django's own, which refuses other hosts than ALLOWED_HOSTS, but on three paths."""

    def process_request(self, request: HttpRequest) -> Any:
        return None if request.path in MONITOR_PATHS else super().process_request(request)


class ApiSecurityMiddleware(SecurityMiddleware):
    """Django's own, with ForwardedMiddleware, ContentSecurityMiddleware and X-Frame-Options."""

    def process_request(self, request: HttpRequest) -> Any:
        forget_untrusted_scheme(request)
        try:
            return super().process_request(request)
        except DisallowedHost as refusal:  # of a redirect to https
            return response_for_exception(request, refusal)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        add_policy(response)
        return response
