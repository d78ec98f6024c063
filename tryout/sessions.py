"""The sessions of people without an account: their limits, and a token that reads each."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from math import ceil
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from kynaplatform import clock
from kynaplatform.api.client_address import client_address
from kynaplatform.api.errors import AuthorizationFailed, NotFound
from kynaplatform.api.rate_limits import MINUTE, Limit
from kynaplatform.api.request_id import add_to_line
from kynaplatform.api.throttling import count_request, peek_request, refuse_over_limit
from kynaplatform.api.wire import Answer, Body
from projects.access_tokens import access_token_mint
from projects.models import Credential, Project
from projects.scopes import Scope
from sessions_app.admission import AdmissionRequest, session_admit
from sessions_app.models import Mode
from sessions_app.wire import SessionCreated, present_created
from tryout.movements import slugs
from tryout.project import SESSION_SECONDS, demo_account, movespec_id

WINDOW = 10 * MINUTE
# Of an IPv4 address, or an IPv6 /64, which one subscriber holds; and of what more may hold.
SESSIONS_OF_ADDRESS = 6
SESSIONS_OF_NETWORK = {56: 12, 48: 24}
# So long after its session, whose end the page may have to ask for.
TOKEN_OUTLIVES_SECONDS = 300


class TrySessionCreate(Body):
    movement: str


class TrySession(Answer):
    """A session as the API's create answers it, and a token that reads it and its events."""

    session: SessionCreated
    access_token: str
    expires_in: int


@contextmanager
def visitor_limits(request: HttpRequest) -> Iterator[None]:
    """Refuse what another site's page sends, and count every other request on its address.

    So such a page uses up none of its visitor's sessions. Raises AuthorizationFailed, RateLimited,
    and what demo_account does.
    """
    if not _is_of_our_page(request):
        raise AuthorizationFailed("Only the page at /try asks for this.")
    # These come first: they refuse without asking the database.
    if settings.TRY_SESSIONS is not None:
        refuse_over_limit(peek_request(request, _of_all(settings.TRY_SESSIONS)))
        refuse_over_limit(count_request(request, _of_visitor(request)))
    request.try_account = demo_account(now=clock.now())  # type: ignore[attr-defined]
    yield


def _of_visitor(request: HttpRequest) -> list[Limit]:
    """Every request counts on the visitor's address, and on the larger networks that hold it."""
    address = client_address(request)
    limits = [Limit(f"try_address:{address}", SESSIONS_OF_ADDRESS, WINDOW)]
    for bits, sessions in SESSIONS_OF_NETWORK.items() if ":" in address else ():
        network = ip_network(address).supernet(new_prefix=bits)
        limits.append(Limit(f"try_address:{network}", sessions, WINDOW))
    return limits


def _of_all(sessions: int) -> list[Limit]:
    return [Limit("try:all", sessions, WINDOW)]


def _count_created(request: HttpRequest, project: Project) -> None:
    """Count a session on what all share. Raises RateLimited for one too many, to be rolled back."""
    if settings.TRY_SESSIONS is None:
        return
    of_visitor = request.rate_limit  # type: ignore[attr-defined]
    # Not the counter of the project's creates, which refused ones of a visitor's token would fill.
    quota = project.rate_limit_sessions or settings.RATE_LIMIT_SESSIONS
    of_project = Limit(f"try_project:{project.id}", quota)
    refuse_over_limit(count_request(request, [*_of_all(settings.TRY_SESSIONS), of_project]))
    # The answer tells what is left of the visitor's own limit.
    request.rate_limit = of_visitor  # type: ignore[attr-defined]


def _is_of_our_page(request: HttpRequest) -> bool:
    """Whether the browser says that our page sent this, or says nothing.

    Without TLS it says its origin alone. A proxy may pass our name on without the port.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin")
    try:
        return origin is None or _host_of(origin) == _host_of(f"//{request.get_host()}")
    except ValueError:
        return False


def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def session_try(request: HttpRequest, movement: str) -> TrySession:
    """A session of the page's movement, for a request that passed `visitor_limits`.

    Only one that is created counts on what all share. Raises NotFound, RateLimited, and what
    session_admit does.
    """
    if movement not in slugs():
        raise NotFound("movement")
    now = clock.now()
    account: Credential = request.try_account  # type: ignore[attr-defined]
    add_to_line(request, project_id=account.project_id)
    with transaction.atomic():
        session, _ = session_admit(
            request=AdmissionRequest(
                project_id=account.project_id,
                mode=Mode.LIVE,
                contract_major=1,
                movespec_id=movespec_id(movement),
                movespec_version_id=None,
                idempotency_key=None,
            ),
            now=now,
        )
        token, jwt = access_token_mint(
            credential=account,
            scopes=[Scope.SESSIONS_READ],
            now=now,
            seconds=settings.SESSION_ATTACH_SECONDS + SESSION_SECONDS + TOKEN_OUTLIVES_SECONDS,
            session_id=session.id,
        )
        _count_created(request, account.project)
    add_to_line(request, session_id=session.id)
    return TrySession(
        session=present_created(session, account.project.organization_id, now),
        access_token=jwt,
        expires_in=ceil((token.expires_at - now).total_seconds()),
    )
