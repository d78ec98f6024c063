"""`/try`: a page that counts whoever stands before a camera, without an account."""

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from rest_framework.request import Request

from kynaplatform.api.errors import NotFound
from kynaplatform.api.operations import PUBLIC, Operation
from kynaplatform.api.views import ApiRequest, ApiView
from kynaplatform.metrics.readiness import Inquiry
from kynaplatform.middleware import POLICY_HEADER, camera_policy
from kynaplatform.public_pages import PublicView, kept, page, site_of
from movespecs.models import MoveSpec
from tryout.movements import engine, figure, movements, slugs
from tryout.project import movespec_id
from tryout.sessions import TrySession, TrySessionCreate, session_try, visitor_limits

LANDMARKER = "tryout/built/pose"


def landmarker_files() -> dict[str, dict[str, Any]]:
    """The files by their names, each with its address, in production with a hash of its content,
    and its size; none if they were not brought, or not collected since."""
    folder = finders.find(LANDMARKER)
    if folder is None:
        return {}
    try:
        return {
            path.name: {
                "url": static(f"{LANDMARKER}/{path.name}"),
                "bytes": path.stat().st_size,
            }
            for path in sorted(Path(folder).iterdir())
        }
    except ValueError:  # of a file that the manifest does not have
        return {}


ARCHIVED = "archived"


def listed_movements() -> list[dict[str, Any]]:
    """The movements as of a second ago at most. All of them while the database does not answer."""
    archived = _inquiry().answers(_inquiry().begin())[ARCHIVED].split()
    return [movement for movement in movements() if movement["slug"] not in archived]


@cache
def _inquiry() -> Inquiry:
    """A thread that asks the database, so that a silent one holds no thread that serves pages."""
    return Inquiry({ARCHIVED: _archived_slugs})


def _archived_slugs() -> str:
    """The slugs of the archived movements, separated by spaces: an inquiry answers with a text."""
    of_id = {movespec_id(slug): slug for slug in slugs()}
    archived = MoveSpec.objects.filter(id__in=of_id, archived_at__isnull=False)
    return " ".join(of_id[id_] for id_ in archived.values_list("id", flat=True))


FIGURE_SECONDS = 3600


class TryView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/try`; where the landmarker's files are not there, it says how to get a camera."""
        data = {
            "movements": listed_movements(),
            "engine": engine(),
            "sessions": reverse("try-sessions"),
            "landmarker": landmarker_files(),
        }
        shown = {"site": site_of(request), "data": data, "is_production": settings.PRODUCTION}
        response = page("tryout/try.html", shown)
        response.headers[POLICY_HEADER] = camera_policy(settings.PUBLIC_STREAM_URL)
        response.headers["Permissions-Policy"] = "camera=(self)"
        # It names files of this release.
        response.headers["Cache-Control"] = "no-cache"
        return response


class FigureView(PublicView):
    def get(self, request: Request, slug: str) -> HttpResponse:
        """A recording of the figure that performs the movement; 404 for another name.

        A page of any origin may read it: an app that is being written has no camera yet.
        """
        if slug not in slugs():
            raise NotFound("figure")
        response = HttpResponse(figure(slug), content_type="application/gzip")
        response.headers["Access-Control-Allow-Origin"] = "*"
        return kept(response, FIGURE_SECONDS)


class TrySessionView(ApiView):
    # It is the page's own: the OpenAPI document is for clients with a key.
    schema = None
    access = {"post": PUBLIC}

    @Operation(
        summary="Create a session of the try page",
        counted="by_view",
        around_body=visitor_limits,
        returns=TrySession,
        status=201,
    )
    def post(self, request: ApiRequest, body: TrySessionCreate) -> TrySession:
        return session_try(request._request, body)
