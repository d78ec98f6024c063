"""The pages that count whoever stands before a camera: `/try`, and that of a customer's session."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_network
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from rest_framework.request import Request

from kynaplatform import clock
from kynaplatform.api.errors import AuthorizationFailed, NotFound
from kynaplatform.api.operations import PUBLIC, Operation
from kynaplatform.api.rate_limits import MINUTE, Limit
from kynaplatform.api.schemas import Answer, Body
from kynaplatform.api.throttling import count_request, limits_of_address, refuse_over_limit
from kynaplatform.api.views import ApiRequest, ApiView
from kynaplatform.metrics.readiness import Inquiry
from kynaplatform.middleware import POLICY_HEADER, add_to_line, camera_policy, client_address
from kynaplatform.public_pages import PublicView, kept, page, site_of
from movespecs.catalogue import catalogue_id
from movespecs.models import MoveSpec, MoveSpecVersion
from movespecs.movement import angle_settings
from projects.access_tokens import access_token_mint
from projects.models import Credential, Project, Scope
from sessions_app.admission import created_response, session_admit
from sessions_app.context import require_context
from sessions_app.models import Mode
from sessions_app.schemas import SessionCreate, SessionCreated
from tryout.movements import figure, movements, slugs
from tryout.project import SESSION_SECONDS, demo_account

LANDMARKER = "tryout/built/pose"


def landmarker_files() -> dict[str, dict[str, Any]]:
    """The files by their names, each with its address, in production with a hash of its content,
    and its size; none if they were not brought, or not collected since."""
    folder = finders.find(LANDMARKER)
    files = sorted(Path(folder).iterdir()) if folder else []
    try:
        return {
            path.name: {"url": static(f"{LANDMARKER}/{path.name}"), "bytes": path.stat().st_size}
            for path in files
        }
    except ValueError:  # of a file that the manifest does not have
        return {}


WITHDRAWN = "withdrawn"


def listed_movements() -> list[dict[str, Any]]:
    """The movements as of a second ago at most. All of them while the database does not answer."""
    withdrawn = _inquiry().answers(_inquiry().begin())[WITHDRAWN].split()
    return [movement for movement in movements() if movement["slug"] not in withdrawn]


@cache
def _inquiry() -> Inquiry:
    """A thread that asks the database, so that a silent one holds no thread that serves pages."""
    return Inquiry({WITHDRAWN: _withdrawn_slugs})


def _withdrawn_slugs() -> str:
    """The slugs of the movements that staff have archived, delisted, or left without a release,
    separated by spaces: an inquiry answers with a text."""
    of_id = {catalogue_id(slug): slug for slug in slugs()}
    known = MoveSpec.objects.filter(id__in=of_id)
    usable = known.public().filter(archived_at=None, current_released_version__isnull=False)
    withdrawn = known.exclude(id__in=usable)
    return " ".join(of_id[id_] for id_ in withdrawn.values_list("id", flat=True))


FIGURE_SECONDS = 3600


class TryView(PublicView):
    def get(self, request: Request) -> HttpResponse:
        """`/try`; where the landmarker's files are not there, it says how to get a camera."""
        data: dict[str, Any] = {
            "movements": listed_movements(),
            "engine": angle_settings(),
            "sessions": reverse("try-sessions"),
            "landmarker": landmarker_files(),
        }
        shown = {
            "site": site_of(request),
            "data": data,
            "is_production": settings.PRODUCTION,
            "has_experimental": any(one["experimental"] for one in data["movements"]),
        }
        return _camera_page("tryout/try.html", shown)


def _camera_page(template: str, shown: dict[str, Any], *frames: str) -> HttpResponse:
    """A page with a camera, which pages of the origins `frames` may frame."""
    response = page(template, shown)
    response.headers[POLICY_HEADER] = camera_policy(settings.PUBLIC_STREAM_URL, *frames)
    response.headers["Permissions-Policy"] = "camera=(self)"
    # It names files of this release, and staff's changes show at once.
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


class SessionPageView(PublicView):
    def get(self, request: Request, project_id: str) -> HttpResponse:
        """`/session/{project_id}`: it counts a customer's session, in their name and colour.

        The session and its token are in the address's fragment, which no server sees. 404 for an
        unknown or suspended project.

        Origins that staff list in the project's `page_frames` may frame it.
        """
        project = _active_project(project_id)
        if project is None:
            return page("tryout/session.html", {"data": None}, status=404)
        frames = project.page_frames.split()
        data = {
            "name": project.page_name,
            "color": project.page_color,
            "frames": frames,
            "returns": project.page_returns.split(),
            "landmarker": landmarker_files(),
        }
        response = _camera_page("tryout/session.html", {"data": data}, *frames)
        # Nobody who is followed from here learns which project it was.
        response.headers["Referrer-Policy"] = "no-referrer"
        # frame-ancestors says it, and this header knows no list.
        response.xframe_options_exempt = bool(frames)
        return response


def _active_project(project_id: str) -> Any:
    try:
        active = Project.objects.filter(suspended_at=None, organization__suspended_at=None)
        return active.filter(id=UUID(project_id)).first()
    except ValueError:
        return None


# --- Sessions of /try, their limits, and a token that reads each -----------------------------

WINDOW = 10 * MINUTE
# An address, behind which many people may be, has half of what the other addresses leave.
SHARES_OF_ADDRESS = 1
# An IPv6 /48 holds many: one subscriber, or a whole neighbourhood. It has two thirds.
NETWORK_BITS, SHARES_OF_NETWORK = 48, 2
# So long after its session, whose end the page may have to ask for.
TOKEN_OUTLIVES_SECONDS = 300


class TrySessionCreate(Body):
    movement: str
    parameters: dict[str, float] = {}
    locale: str | None = None

    def __post_init__(self) -> None:
        require_context(parameters=self.parameters, locale=self.locale)


class TrySession(Answer):
    """A session as the API's create answers it, and a token that reads it and its events.

    `movespec` is the YAML that counts in it.
    """

    session: SessionCreated
    access_token: str
    expires_in: int
    movespec: str


@contextmanager
def visitor_limits(request: HttpRequest) -> Iterator[None]:
    """Refuse what another site's page sends, and who has had a fair share of the sessions.

    Another site's page uses up none of its visitor's sessions. Raises AuthorizationFailed,
    RateLimited, and what demo_account does.
    """
    if not _is_of_our_page(request):
        raise AuthorizationFailed("Only the page at /try asks for this.")
    # These come first: they refuse without asking the database.
    if settings.TRY_SESSIONS is not None:
        refuse_over_limit(
            count_request(request, _fair_shares(request, settings.TRY_SESSIONS), counting=False)
        )
        refuse_over_limit(count_request(request, limits_of_address(request)))
    request.try_account = demo_account(now=clock.now())  # type: ignore[attr-defined]
    yield


def _fair_shares(request: HttpRequest, sessions: int) -> list[Limit]:
    """All sessions, and the share of them of the visitor's address and of the network around it."""
    address = client_address(request)
    limits = [
        Limit("try:all", sessions, WINDOW),
        Limit(f"try_address:{address}", sessions, WINDOW, SHARES_OF_ADDRESS),
    ]
    if ":" in address:
        network = ip_network(address).supernet(new_prefix=NETWORK_BITS)
        limits.append(Limit(f"try_network:{network}", sessions, WINDOW, SHARES_OF_NETWORK))
    return limits


def _is_of_our_page(request: HttpRequest) -> bool:
    """Whether the browser says that our page sent this, or says nothing.

    Without TLS it says its origin alone. A proxy may pass our name on without the port.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin")
    try:
        return origin is None or (
            urlsplit(origin).hostname == urlsplit(f"//{request.get_host()}").hostname
        )
    except ValueError:
        return False


class TrySessionView(ApiView):
    # It is the page's own: the OpenAPI document is for clients with a key.
    schema = None
    access = {"post": PUBLIC}

    @Operation(
        summary="Create a session of the try page",
        counted="by_view",
        around_body=visitor_limits,
        status=201,
    )
    def post(self, request: ApiRequest, body: TrySessionCreate) -> TrySession:
        """A session of the page's movement, and a token that reads it.

        Only one that is created counts on what all share. Raises NotFound, ValidationFailed,
        RateLimited, and what session_admit does.
        """
        if body.movement not in slugs():
            raise NotFound("movement")
        now, django_request = clock.now(), request._request
        account: Credential = django_request.try_account  # type: ignore[attr-defined]
        add_to_line(django_request, project_id=account.project_id)
        with transaction.atomic():
            session, _ = session_admit(
                create=SessionCreate(
                    mode=Mode.LIVE,
                    project_id=account.project_id,
                    movement=f"catalogue/{body.movement}",
                    parameters=body.parameters,
                    locale=body.locale,
                ),
                now=now,
                principal=None,
                created_by=account.pk,
            )
            token, jwt = access_token_mint(
                credential=account,
                scopes=[Scope.SESSIONS_READ],
                now=now,
                seconds=settings.SESSION_ATTACH_SECONDS + SESSION_SECONDS + TOKEN_OUTLIVES_SECONDS,
                session_id=session.id,
            )
            if settings.TRY_SESSIONS is not None:
                # One too many is rolled back: others were created since the look before the body.
                # Not the counter of the project's creates, which refused ones of a visitor's token
                # would fill.
                quota = account.project.rate_limit_sessions or settings.RATE_LIMIT_SESSIONS
                of_project = Limit(f"try_project:{account.project_id}", quota)
                limits = [*_fair_shares(django_request, settings.TRY_SESSIONS), of_project]
                refuse_over_limit(count_request(django_request, limits))
            versions = MoveSpecVersion.objects.filter(id=session.resolved_version_id)
            yaml_source = versions.values_list("yaml_source", flat=True).get()
        add_to_line(django_request, session_id=session.id)
        return TrySession(
            session=created_response(session, account.project.organization_id, now),
            access_token=jwt,
            expires_in=ceil((token.expires_at - now).total_seconds()),
            movespec=yaml_source,
        )
