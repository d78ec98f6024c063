"""The content security policy of every response.

django-csp makes its one policy anew for each response, in 50 µs; these never change.
"""

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

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
