"""`/try`: a page that counts whoever stands before a camera, without an account."""

from dataclasses import asdict

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from kynaplatform.api.errors import NotFound
from kynaplatform.api.operations import Operation
from kynaplatform.api.views import ApiRequest, ApiView
from kynaplatform.http.content_security import HEADER, with_camera
from kynaplatform.http.public_pages import PublicView, kept, page, site_of
from tryout.assets import landmarker_files
from tryout.figures import figure
from tryout.movement_list import listed_movements
from tryout.movements import engine, slugs
from tryout.sessions import TrySession, TrySessionCreate, session_try, visitor_limits

FIGURE_SECONDS = 3600


class TryView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/try`; where the landmarker's files are not there, it says how to get a camera."""
        files = landmarker_files()
        data = {
            "movements": listed_movements(),
            "engine": engine(),
            "sessions": reverse("try-sessions"),
            "landmarker": {name: asdict(file) for name, file in files.items()},
        }
        shown = {"site": site_of(request), "data": data, "is_production": settings.PRODUCTION}
        response = page("tryout/try.html", shown)
        response.headers[HEADER] = with_camera(settings.PUBLIC_STREAM_URL)
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

    @Operation(
        summary="Create a session of the try page",
        bearer="none",
        counted="by_view",
        around_body=visitor_limits,
        returns=TrySession,
        status=201,
    )
    def post(self, request: ApiRequest, body: TrySessionCreate) -> TrySession:
        return session_try(request._request, body)
