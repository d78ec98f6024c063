"""The limits that a request counts on, and the headers that show what is left of them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter

from kynaplatform.api.errors import RateLimited, ReadUnderWay
from kynaplatform.api.operations import Principal
from kynaplatform.api.rate_limits import (
    SECOND,
    CounterUnavailable,
    Decision,
    Limit,
    ProcessCounter,
    RedisCounter,
)
from kynaplatform.database.connections import Statement
from kynaplatform.middleware import client_address

FALLBACKS = Counter(
    "kyna_rate_limit_fallbacks",
    "Times that limits were looked up in one process alone, because Redis was out of reach.",
)
_reading = threading.Lock()
_LOCK_PROJECT = Statement("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))")

# What each kind of limit counts, as its 429 says.
COUNTED = {
    "project": "requests of the project",
    "organization": "requests of the organization",
    "sessions": "session creations of the project",
    "movespecs": "requests of the project under /api/movespecs",
    "session": "requests with the session's runtime token",
    "anonymous": "requests without a credential from this address",
    "bad_bearer": "requests with a bad bearer from this address",
    "mint_credential": "failed mints of this credential from this address",
    "mint_address": "failed mints from this address",
    "mint_project": "mints of the project",
    "try_address": "tries from this address",
    "try_network": "tries from this IPv6 network",
    "try": "tries of all visitors",
    "try_project": "tries of the page's project",
    "attach_refused": "attaches with a bad runtime token from this address",
    "attach_again": "attaches of the session",
    "attach_of_project": "repeated attaches to sessions of the project",
}


class RequestCounter:
    """Redis where it is configured, otherwise this process alone.

    While Redis is out of reach each process counts alone: that harms less than refusing every
    request.
    """

    def __init__(self) -> None:
        self._alone = ProcessCounter()
        self._redis = RedisCounter(settings.REDIS_URL) if settings.REDIS_URL else None

    def count(self, limits: Sequence[Limit], *, counting: bool = True) -> Decision:
        if self._redis is not None:
            try:
                return self._redis.count(limits, counting=counting)
            except CounterUnavailable:
                FALLBACKS.inc()
        return self._alone.count(limits, counting=counting)

    def take_back(self, limits: Sequence[Limit]) -> None:
        """Uncount a request of a moment ago: the newest hits under every limit."""
        (self._redis or self._alone).take_back(limits)


@cache
def request_counter() -> RequestCounter:
    return RequestCounter()


def limits_of_principal(principal: Principal, family: str | None) -> list[Limit]:
    """`family` is `sessions` or `movespecs` where that limit applies as well.

    A runtime token counts on its session: the person who holds it can't use up the project's.
    """
    if principal.quotas is None:
        return [Limit(f"session:{principal.session_id}", settings.RATE_LIMIT_ANONYMOUS)]
    limits = [
        Limit(f"project:{principal.project_id}", principal.quotas.project),
        Limit(f"organization:{principal.organization_id}", principal.quotas.organization),
    ]
    if family is not None:
        limits.append(Limit(f"{family}:{principal.project_id}", getattr(principal.quotas, family)))
    return limits


def limits_of_address(request: HttpRequest) -> list[Limit]:
    return [Limit(f"anonymous:{client_address(request)}", settings.RATE_LIMIT_ANONYMOUS)]


def count_bad_bearer(request: HttpRequest) -> None:
    """Count a bearer that isn't ours on its address; raises RateLimited for too many."""
    limit = Limit(f"bad_bearer:{client_address(request)}", settings.RATE_LIMIT_ANONYMOUS)
    refuse_over_limit(count_request(request, [limit]))


def count_request(
    request: HttpRequest, limits: Sequence[Limit], *, counting: bool = True
) -> Decision:
    """Count the request, or only look; keeps the decision for the response's headers."""
    decision = request_counter().count(limits, counting=counting)
    request.rate_limit = decision  # type: ignore[attr-defined]
    return decision


def refuse_over_limit(decision: Decision) -> None:
    if not decision.allowed:
        raise RateLimited(
            decision.reset_seconds,
            limit_name=decision.kind,
            counted=COUNTED[decision.kind],
            limit=decision.limit,
            window_seconds=decision.window // SECOND,
        )


@contextmanager
def one_read_at_a_time(project_id: UUID) -> Iterator[None]:
    """Lock long reads of the process and of the project; raises ReadUnderWay.

    The project's lock belongs to the read's transaction: it ends with a killed process, and within
    15 s with a frozen one.
    """
    if not _reading.acquire(blocking=False):
        raise ReadUnderWay("server")
    try:
        with transaction.atomic():
            if _LOCK_PROJECT.row([f"read:{project_id}"]) != (True,):
                raise ReadUnderWay("project")
            yield
    finally:
        _reading.release()


def add_rate_limit_headers(request: HttpRequest, response: HttpResponse) -> None:
    decision: Decision | None = getattr(request, "rate_limit", None)
    if decision is not None:
        response["RateLimit-Limit"] = str(decision.limit)
        response["RateLimit-Remaining"] = str(decision.remaining)
        response["RateLimit-Reset"] = str(decision.reset_seconds)
