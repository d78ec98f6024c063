"""The public pages: the first page and the guides. None asks for a login."""

from collections.abc import Mapping

from django.http import HttpResponse, HttpResponsePermanentRedirect
from rest_framework.request import Request

from guides import text
from guides.first_page import first_page
from guides.navigation import GUIDES, MOVED, SHELVES, TYPES, files, listed_as, shelf_of
from guides.rendering import rendered
from guides.search import MAX_QUERY, search
from kynaplatform.http.public_pages import PublicView, kept, page, site_of
from kynaplatform.metrics.readiness import OK, UNKNOWN, is_ready, readiness

PAGE_SECONDS, FILE_SECONDS = 300, 3600
MARKDOWN = "text/markdown; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


class HomeView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/`: what this is, how well it counts, and in its foot whether requests can be served.

        Always 200; each thing that readiness asks is asked for 2 s at most.
        """
        states = readiness().states()
        shown = {
            "site": site_of(request),
            "shelves": SHELVES,
            "is_ready": is_ready(states),
            "faults": _faults(states),
            "first": first_page(),
        }
        response = page("guides/home.html", shown)
        response.headers["Cache-Control"] = "no-store"
        return response


class GuidesView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/docs/`: every guide, with a line on each."""
        shown = {"site": site_of(request), "shelves": SHELVES}
        return kept(page("guides/guides.html", shown), PAGE_SECONDS)


class SearchView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/docs/search?q=…`: the sections that answer it. A script shows them as one types."""
        query = request.query_params.get("q", "").strip()[:MAX_QUERY]
        shown = {"shelves": SHELVES, "query": query, "results": search(query)}
        return kept(page("guides/search.html", shown), PAGE_SECONDS)


class GuideView(PublicView):
    def get(self, request: Request, name: str) -> HttpResponse:
        """`/docs/NAME`: a guide as a page, `/docs/NAME.md` as Markdown, or a file of docs/.

        301 with a final slash, or for a guide that has another address now; 404, as a page, for
        what is none of these.
        """
        if (guide := GUIDES.get(name)) is not None:
            shelf = shelf_of(guide)
            before, after = shelf.neighbours(guide)
            shown = {
                "site": site_of(request),
                "shelves": SHELVES,
                "shelf": shelf,
                "guide": guide,
                "listed": listed_as(guide),
                "summary": text.summary_of(guide),
                "page": rendered(guide),
                "before": before,
                "after": after,
            }
            return kept(page("guides/guide.html", shown), PAGE_SECONDS)
        if (guide := GUIDES.get(name.removesuffix(".md"))) is not None:
            return kept(HttpResponse(text.published(guide), content_type=MARKDOWN), PAGE_SECONDS)
        if (path := files().get(name)) is not None:
            return kept(
                HttpResponse(path.read_bytes(), content_type=TYPES[path.suffix]), FILE_SECONDS
            )
        bare = name.removesuffix("/")
        if (guide := GUIDES.get(MOVED.get(bare, bare))) is not None:
            return kept(HttpResponsePermanentRedirect(guide.address), PAGE_SECONDS)
        return page("guides/missing.html", {"shelves": SHELVES}, status=404)


class LlmsView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/llms.txt`: what there is to read, for programs."""
        return kept(HttpResponse(text.index(site_of(request)), content_type=PLAIN), PAGE_SECONDS)


class LlmsFullView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/llms-full.txt`: every guide in one file."""
        return kept(HttpResponse(text.whole(), content_type=PLAIN), PAGE_SECONDS)


def _faults(states: Mapping[str, str]) -> list[str]:
    """The faults, such as `database down`. What another fault keeps unknown is left out."""
    return [
        f"{name.replace('_', ' ')} {state}"
        for name, state in states.items()
        if state not in (OK, UNKNOWN)
    ]
