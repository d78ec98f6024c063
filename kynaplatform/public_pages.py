"""Shared parts of public pages, which need no login."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from rest_framework.request import Request
from rest_framework.views import APIView

from kynaplatform import __version__


class PublicView(APIView):
    """A page for any Accept and Authorization, without rate limits."""

    authentication_classes = []
    http_method_names = ["get", "head"]
    schema = None

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type


def site_of(request: Request) -> str:
    """The platform's address, for what is read elsewhere, such as the card of a shared link."""
    return request.build_absolute_uri("/").rstrip("/")


def page(template: str, shown: Mapping[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(
        render_to_string(template, {"version": __version__, **shown}), status=status
    )


def kept(response: HttpResponse, seconds: int) -> HttpResponse:
    """Let browsers and proxies cache the response for that long."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response


_FORMATTER = HtmlFormatter(nowrap=True)


@cache
def highlighted(code: str, language: str) -> SafeString:
    """The code as HTML. `language` is one that Pygments has a lexer for."""
    # Spaces at either end are the text's own.
    lexer = get_lexer_by_name(language, stripnl=False)
    return SafeString(highlight(code, lexer, _FORMATTER))
