"""The API's reference: `/api/docs`, a page for each operation, and the document to download."""

from functools import cache

import msgspec
from django.http import HttpResponse
from drf_spectacular.renderers import OpenApiYamlRenderer
from rest_framework.request import Request

from kynaplatform.api.errors import NotFound
from kynaplatform.api.openapi import openapi_document
from kynaplatform.public_pages import PublicView, kept, page, site_of
from kynaplatform.reference.code import coloured
from kynaplatform.reference.pages import menu, pages, scopes

SECONDS = 300
BEGIN = """\
export KYNA_URL={address}
export KYNA_API_KEY=kyna_sk_…
"""
TOKEN = r"""
export KYNA_TOKEN=$(curl -sS "$KYNA_URL/api/auth/access-tokens" \
  -H "Content-Type: application/json" \
  -d "{\"api_key\": \"$KYNA_API_KEY\"}" | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
""".strip()
ERROR = """\
{
  "error": {
    "code": "validation_error",
    "message": "The request does not fit the schema. mode: This field must be one of live, replay.",
    "retryable": false,
    "details": {"mode": "This field must be one of live, replay."}
  }
}"""


class OverviewView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/api/docs`: how to begin, every endpoint, and what holds for all of them."""
        site = site_of(request)
        shown = {
            "site": site,
            "menu": menu(),
            "scopes": scopes(),
            "begin": coloured(BEGIN.format(address=site).strip(), "bash"),
            "token": coloured(TOKEN, "bash"),
            "error": coloured(ERROR, "json"),
        }
        return kept(page("reference/overview.html", shown), SECONDS)


class OperationView(PublicView):
    def get(self, request: Request, name: str) -> HttpResponse:
        """`/api/docs/NAME`: one operation; 404 for a name that the document does not have."""
        if name not in pages():
            raise NotFound("path")
        shown = {"site": site_of(request), "menu": menu(), "operation": pages()[name]}
        return kept(page("reference/operation.html", shown), SECONDS)


class DocumentView(PublicView):
    def get(self, request: Request, form: str) -> HttpResponse:
        """`/api/docs/openapi.json` and `.yaml`: the document, to keep."""
        content_type, content = _documents()[form]
        name = f'attachment; filename="kynaplatform.openapi.{form}"'
        response = HttpResponse(content, content_type=content_type)
        response.headers["Content-Disposition"] = name
        return kept(response, SECONDS)


@cache
def _documents() -> dict[str, tuple[str, bytes]]:
    document = openapi_document()
    as_yaml: bytes = OpenApiYamlRenderer().render(document)  # type: ignore[no-untyped-call]
    return {
        "json": ("application/json", msgspec.json.format(msgspec.json.encode(document), indent=2)),
        "yaml": ("application/yaml", as_yaml),
    }
