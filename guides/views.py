"""The first page, the guides, the search over them, and their texts for programs."""

import re
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse, HttpResponsePermanentRedirect
from rest_framework.request import Request

from guides.navigation import DOCS, GUIDES, MOVED, SHELVES, TYPES, files, listed_as, shelf_of
from guides.rendering import llms_index, llms_whole, published, rendered, summary_of
from guides.search import MAX_QUERY, search
from kynaplatform.metrics.readiness import OK, UNKNOWN, is_ready, readiness
from kynaplatform.public_pages import PublicView, highlighted, kept, page, site_of
from movespecs.accuracy import read_cards, why_experimental
from movespecs.catalogue import catalogue_slugs

SQUATS = settings.BASE_DIR / "guides" / "static" / "guides" / "squat.json"
# The first block of docs/start.md in this language is the program.
_PROGRAM = re.compile(r"^```javascript\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LICENCE = settings.BASE_DIR / "LICENSE"
# What the page shows of an event's payload.
SAID = ("shape_key", "event_key", "message")


@cache
def first_page() -> dict[str, Any]:
    """What the first page shows, read once in each process."""
    squats = msgspec.json.decode(SQUATS.read_bytes())
    still_ms = squats["still"] * squats["step_ms"]
    program = _PROGRAM.search((DOCS / "start.md").read_text(encoding="utf-8"))
    licence = LICENCE.read_text(encoding="utf-8") if LICENCE.is_file() else ""
    cards, slugs = read_cards(), catalogue_slugs()
    # In per cent of the recordings, the best first; without the movements of no recorded people.
    counted: list[dict[str, Any]] = [
        {
            "slug": slug,
            "movement": slug.replace("-", " "),
            "within_one": round(card.within_one * 100),
            "exact": round((card.exact or 0) * 100),
            "people": card.people,
            "experimental": card.experimental,
        }
        for slug, card in cards.items()
        if card.within_one is not None
    ]
    counted.sort(key=lambda one: (-one["within_one"], one["movement"]))
    return {
        # What the figure shows while it is still: how often it has squatted, and its knee's angle.
        "count": sum(
            event["type"] == "event_completed" and event["ts_ms"] <= still_ms
            for event in squats["events"]
        ),
        "knee": squats["knee"][squats["still"]],
        "program": highlighted(program.group(1) if program else "", "javascript"),
        "events": _first_repetition(squats["events"]),
        "best": next((one for one in counted if one["movement"] == "squat"), None),
        "counted": counted,
        # How many the catalogue has, and how many of them are experimental.
        "movements": len(slugs),
        "experimental": sum(bool(why_experimental(cards.get(slug))) for slug in slugs),
        # The first line of the project's licence, where its owner has given it one.
        "licence": licence.strip().partition("\n")[0].strip(),
    }


def _first_repetition(events: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The events of the first squat; the page's script shows the others as they come."""
    types = [event["type"] for event in events]
    return [
        {
            "seconds": f"{event['ts_ms'] / 1000:.1f}",
            "type": event["type"],
            "said": str(next(event["payload"][key] for key in SAID if key in event["payload"])),
        }
        for event in events[: types.index("event_completed") + 1]
    ]


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
            # What another fault keeps unknown is left out.
            "faults": [
                f"{name.replace('_', ' ')} {state}"
                for name, state in states.items()
                if state not in (OK, UNKNOWN)
            ],
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
            shown = {
                "site": site_of(request),
                "shelves": SHELVES,
                "shelf": shelf,
                "guide": guide,
                "listed": listed_as(guide),
                "summary": summary_of(guide),
                "page": rendered(guide),
                "before": dict(pairwise(shelf.guides[::-1])).get(guide),
                "after": dict(pairwise(shelf.guides)).get(guide),
            }
            return kept(page("guides/guide.html", shown), PAGE_SECONDS)
        if (guide := GUIDES.get(name.removesuffix(".md"))) is not None:
            return kept(HttpResponse(published(guide), content_type=MARKDOWN), PAGE_SECONDS)
        if (path := files().get(name)) is not None:
            return kept(
                HttpResponse(path.read_bytes(), content_type=TYPES[path.suffix]), FILE_SECONDS
            )
        bare = name.removesuffix("/")
        if (guide := GUIDES.get(MOVED.get(bare, bare))) is not None:
            return kept(HttpResponsePermanentRedirect(guide.address), PAGE_SECONDS)
        return page("guides/missing.html", {"shelves": SHELVES}, status=404)


class LlmsView(PublicView):
    def get(self, request: Request, *, is_whole: bool) -> HttpResponse:
        """`/llms.txt`: what there is to read, for programs. `/llms-full.txt`: all of it."""
        text = llms_whole() if is_whole else llms_index(site_of(request))
        return kept(HttpResponse(text, content_type=PLAIN), PAGE_SECONDS)
