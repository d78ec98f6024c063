"""The public pages: the first page and the guides. None asks for a login."""

from collections.abc import Mapping

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from rest_framework.request import Request

from guides.navigation import GUIDES, SECTIONS, TYPES, files
from guides.rendering import rendered
from kynaplatform.http.public_pages import PublicView, kept, page
from kynaplatform.metrics.readiness import OK, UNKNOWN, is_ready, readiness

PAGE_SECONDS, FILE_SECONDS = 300, 3600


class HomeView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/`: what this is, where to read on, and whether requests can be served.

        Always 200; each thing that readiness asks is asked for 2 s at most.
        """
        states = readiness().states()
        shown = {"sections": SECTIONS, "is_ready": is_ready(states), "faults": _faults(states)}
        response = page("guides/home.html", shown)
        response.headers["Cache-Control"] = "no-store"
        return response


class GuidesView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/docs/`: every guide, with a line on each."""
        return kept(page("guides/guides.html", {"sections": SECTIONS}), PAGE_SECONDS)


class GuideView(PublicView):
    def get(self, request: Request, name: str) -> HttpResponse:
        """`/docs/NAME`: a guide as a page, or a picture or another file that guides refer to.

        302 for the name that its file has; 404, as a page, for what is none of these.
        """
        if (guide := GUIDES.get(name)) is not None:
            shown = {"sections": SECTIONS, "guide": guide, "page": rendered(guide)}
            return kept(page("guides/guide.html", shown), PAGE_SECONDS)
        if (as_page := name.removesuffix(".md")) in GUIDES:  # as the repository calls it
            return HttpResponseRedirect(reverse("guide", args=[as_page]))
        if (path := files().get(name)) is not None:
            return kept(
                HttpResponse(path.read_bytes(), content_type=TYPES[path.suffix]), FILE_SECONDS
            )
        return page("guides/missing.html", {"sections": SECTIONS}, status=404)


def _faults(states: Mapping[str, str]) -> list[str]:
    """The faults, such as `database down`. What another fault keeps unknown is left out."""
    return [
        f"{name.replace('_', ' ')} {state}"
        for name, state in states.items()
        if state not in (OK, UNKNOWN)
    ]
