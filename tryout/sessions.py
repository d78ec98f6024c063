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
from kynaplatform.api.errors import AuthorizationFailed, NotFound
from kynaplatform.api.rate_limits import MINUTE, Limit
from kynaplatform.api.schemas import Answer, Body
from kynaplatform.api.throttling import count_request, limits_of_address, refuse_over_limit
from kynaplatform.middleware import add_to_line, client_address
from movespecs.models import MoveSpecVersion
from projects.access_tokens import access_token_mint
from projects.models import Credential, Project, Scope
from sessions_app.admission import AdmissionRequest, session_admit
from sessions_app.context import require_context
from sessions_app.models import Mode
from sessions_app.schemas import SessionCreated, created_response
from tryout.movements import slugs
from tryout.project import SESSION_SECONDS, demo_account, movespec_id

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


def _count_created(request: HttpRequest, project: Project) -> None:
    """Count a session, in one step on all its limits.

    Raises RateLimited for one too many, to be rolled back: between the look before its body and
    this others were created.
    """
    if settings.TRY_SESSIONS is None:
        return
    # Not the counter of the project's creates, which refused ones of a visitor's token would fill.
    quota = project.rate_limit_sessions or settings.RATE_LIMIT_SESSIONS
    of_project = Limit(f"try_project:{project.id}", quota)
    limits = [*_fair_shares(request, settings.TRY_SESSIONS), of_project]
    refuse_over_limit(count_request(request, limits))


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


def session_try(request: HttpRequest, body: TrySessionCreate) -> TrySession:
    """A session of the page's movement, for a request that passed `visitor_limits`.

    Only one that is created counts on what all share. Raises NotFound, ValidationFailed,
    RateLimited, and what session_admit does.
    """
    if body.movement not in slugs():
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
                movespec_id=movespec_id(body.movement),
                movespec_version_id=None,
                idempotency_key=None,
                created_by=account.pk,
                parameters=body.parameters or None,
                locale=body.locale,
            ),
            now=now,
            principal=None,
        )
        token, jwt = access_token_mint(
            credential=account,
            scopes=[Scope.SESSIONS_READ],
            now=now,
            seconds=settings.SESSION_ATTACH_SECONDS + SESSION_SECONDS + TOKEN_OUTLIVES_SECONDS,
            session_id=session.id,
        )
        _count_created(request, account.project)
        versions = MoveSpecVersion.objects.filter(id=session.resolved_version_id)
        yaml_source = versions.values_list("yaml_source", flat=True).get()
    add_to_line(request, session_id=session.id)
    return TrySession(
        session=created_response(session, account.project.organization_id, now),
        access_token=jwt,
        expires_in=ceil((token.expires_at - now).total_seconds()),
        movespec=yaml_source,
    )
