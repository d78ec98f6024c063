"""The attach of a socket: its checks, its fence, the engine restored for it, and its log line."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings

from kynaplatform import clock
from kynaplatform.api.errors import ApiError, AuthorizationFailed, NotFound
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.throttling import refuse_over_limit, request_counter
from kynaplatform.middleware import address_of_peer, may_stream, origin_refusal
from realtime.leased_session import LeasedSession
from realtime.messages import V2
from realtime.progress import progress_of
from realtime.refusals import (
    TRY_AGAIN_LATER,
    Restarting,
    SessionSuperseded,
    SessionUnreadable,
)
from sessions_app.attachments import session_attach, session_detach_unread, session_is_read
from sessions_app.checkpoints import AttachmentLost
from sessions_app.context import spec_of_session
from sessions_app.finish import StateUnreadable, reading_state
from sessions_app.models import MAX_CLIENT_CHARACTERS, SessionAttach
from sessions_app.runtime_tokens import (
    RuntimeTokenExpired,
    RuntimeTokenInvalid,
    RuntimeTokenMissing,
    TokenSession,
    session_of_token,
)

logger = logging.getLogger("kynaplatform.realtime")

# The first of these that the client offers is selected.
SUBPROTOCOLS: Final = (V2, "kyna.v1")
_BEARER_SUBPROTOCOL: Final = "bearer."
# Attaches of a session in a minute that are exempt from its project's limit.
FIRST_ATTACHES: Final = 3
_UUID_CHARACTERS: Final = 36


@dataclass(frozen=True, slots=True)
class Handshake:
    """A client's opening request."""

    session_id: str
    token: str | None = field(repr=False)
    origin: str | None
    address: str
    client: str  # its User-Agent
    arrived_at: float  # by clock.ticks


def handshake(scope: Mapping[str, Any], session_id: str) -> Handshake:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    user_agent = headers.get(b"user-agent", "")[:MAX_CLIENT_CHARACTERS]
    return Handshake(
        session_id=session_id,
        token=_token(scope, headers.get(b"authorization", "")),
        origin=headers.get(b"origin"),
        address=address_of_peer(
            (scope.get("client") or ("",))[0], headers.get(b"x-forwarded-for", "")
        ),
        client="".join(character for character in user_agent if character.isprintable()),
        arrived_at=clock.ticks(),
    )


def _token(scope: Mapping[str, Any], authorization: str) -> str | None:
    """The runtime token from the query, else the bearer, else the subprotocols."""
    query: dict[str, list[str]] = parse_qs(scope["query_string"].decode("latin-1"))
    if "runtime_token" in query:
        return query["runtime_token"][0]
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    for subprotocol in scope["subprotocols"]:
        if subprotocol.startswith(_BEARER_SUBPROTOCOL):
            return str(subprotocol.removeprefix(_BEARER_SUBPROTOCOL)) or None
    return None


def admit(handshake: Handshake) -> TokenSession:
    """The session that the runtime token of a socket allows it to attach to.

    The attach is counted last, so that a call repeated after a database fault counts once. Raises
    AuthorizationFailed, RuntimeTokenMissing, RuntimeTokenInvalid, RuntimeTokenExpired, RateLimited,
    NotFound.
    """
    if handshake.origin is not None and not may_stream(handshake.origin):
        raise AuthorizationFailed(origin_refusal(handshake.origin))
    try:
        admitted = _authorized(handshake, clock.now())
    except (RuntimeTokenMissing, RuntimeTokenInvalid, RuntimeTokenExpired):
        limit = Limit(f"attach_refused:{handshake.address}", settings.RATE_LIMIT_ATTACH)
        refuse_over_limit(request_counter().count([limit]))
        raise
    # After the first attaches of a minute they count on the project too. So a session that attaches
    # again and again keeps no other session of its project out.
    most, first = settings.RATE_LIMIT_ATTACH, min(FIRST_ATTACHES, settings.RATE_LIMIT_ATTACH)
    free = request_counter().count([Limit(f"attach:{admitted.session_id}", first)])
    if not free.allowed:
        of_session = Limit(f"attach_again:{admitted.session_id}", most - first)
        of_project = Limit(f"attach_of_project:{admitted.project_id}", most)
        again = request_counter().count([of_session, of_project])
        # Both limits of a session together admit `most`.
        wait = min(free.reset_seconds, again.reset_seconds)
        refuse_over_limit(again._replace(limit=most, reset_seconds=wait))
    return admitted


def attach(
    *, session_id: UUID, attachment_id: UUID, arrived_at: float, runtime: str, client: str
) -> LeasedSession:
    """Take the session's fence for a socket that came at `arrived_at`, and restore its engine.

    Safe to repeat with the same `attachment_id`. Raises NotFound, OrganizationSuspended,
    ProjectSuspended, SessionAlreadyEnded, SessionSuperseded, SessionUnreadable.
    """
    now = clock.now()
    try:
        session = session_attach(
            SessionAttach(
                session_id=session_id,
                id=attachment_id,
                runtime=runtime,
                attached_at=now - timedelta(seconds=clock.ticks() - arrived_at),
                client=client,
            ),
            now=now,
        )
    except AttachmentLost:
        raise SessionSuperseded from None
    except StateUnreadable as error:
        raise SessionUnreadable(error.since, now) from None
    try:
        with reading_state(session):
            progress = progress_of(session, spec_of_session(session))
    except StateUnreadable as error:
        now = clock.now()
        since = session_detach_unread(
            session_id=session_id, attachment_id=attachment_id, close_code=TRY_AGAIN_LATER, now=now
        )
        raise SessionUnreadable(since, now) from error
    # Not read again while the socket is there.
    session.packed_state = session.engine_state = None
    if session.unreadable_since is not None:
        session_is_read(session, clock.now())
    return LeasedSession(session, attachment_id, progress)


def _authorized(handshake: Handshake, now: datetime) -> TokenSession:
    session, has_expired = session_of_token(handshake.token, now)
    try:
        is_for_this_session = UUID(handshake.session_id) == session.session_id
    except ValueError:
        raise NotFound("session") from None
    if not is_for_this_session:
        raise RuntimeTokenInvalid(
            "This runtime token is for another session: take it and stream_url from one create."
        )
    if has_expired:
        raise RuntimeTokenExpired
    return session


def log_attached(session: LeasedSession, handshake: Handshake) -> None:
    logger.info(
        "session %(session_id)s: attached from %(address)s, project %(project_id)s, "
        "attachment %(attachment_id)s",
        {
            "session_id": session.id,
            "project_id": session.row.project_id,
            "attachment_id": session.attachment_id,
            "address": handshake.address,
        },
    )


def log_refused(handshake: Handshake, code: int, error: ApiError | Restarting | None) -> None:
    """`code` is the close code, or the HTTP status before the websocket is accepted.

    `error` is None if the client left before it was attached.
    """
    session_id = None  # anything but an id is not logged: it may be a token
    with suppress(ValueError):
        if len(handshake.session_id) == _UUID_CHARACTERS:
            session_id = str(UUID(handshake.session_id))
    logger.info(
        ("session %(session_id)s: " if session_id else "")
        + "attach refused from %(address)s, closed %(close_code)d, %(error_code)s: %(reason)s",
        {
            "session_id": session_id,
            "address": handshake.address,
            "close_code": code,
            "error_code": error and error.code,
            "reason": str(error or "the client left"),
        },
    )
