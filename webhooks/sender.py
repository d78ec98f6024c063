"""The sender: claims due messages, sends many at once, and writes their outcomes.

One thread calls the database, in turns: it writes the outcomes since the last turn, then claims as
many messages as may be under way. An event loop sends them. It runs in a worker of the queue
`webhooks`, as docs/decisions/webhooks.md says.
"""

import asyncio
import logging
import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import uvloop
from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections, connection, connections
from prometheus_client import Gauge

from kynaplatform import clock
from kynaplatform.celery import sends_webhooks
from kynaplatform.database.connections import is_outage
from kynaplatform.dependencies import DATABASE
from kynaplatform.worker_monitors import health_checks
from webhooks.addresses import NO_CONNECTION
from webhooks.claims import MAX_PER_ENDPOINT, QUICK_SECONDS, Claim, deliveries_claim
from webhooks.endpoints import replays_go_on
from webhooks.messages import bodies, headers_of
from webhooks.models import SenderState
from webhooks.outcomes import Outcome, outcomes_record
from webhooks.transport import TIMEOUT_SECONDS, Transport, TryFailed

logger = logging.getLogger("kynaplatform.webhooks")

POLL_SECONDS: Final = 0.1
# Between turns that outcomes ask for, so that several are written together.
MIN_TURN_SECONDS: Final = 0.01
REPLAY_SECONDS: Final = 1.0
AWAY_SECONDS: Final = 1.0
# A sender whose turns fail for this long ends itself. A turn that takes longer has failed.
MAX_FAILING_SECONDS: Final = 30.0
# A turn's statement takes milliseconds.
STATEMENT_TIMEOUT: Final = "10s"
# After a stop, messages under way end within their time, and are then written.
STOP_SECONDS: Final = TIMEOUT_SECONDS + 5
# After this many failures in a row, an endpoint has one try a PAUSE_SECONDS.
FAILURES_BEFORE_PAUSE: Final = 8
PAUSE_SECONDS: Final = 1.0
# An endpoint without a try for this long has all of its places again: it may be deleted.
PACE_SECONDS: Final = 300.0

LAST_TURN: Final = Gauge(
    "kyna_webhook_turn_timestamp_seconds",
    "When the sender's last turn ended well; 0: none yet.",
    multiprocess_mode="max",
)


class TurnsFail(Exception):
    """The turns of a sender have failed for MAX_FAILING_SECONDS."""


@dataclass
class Pace:
    """An endpoint's messages under way, and how its last tries went."""

    organization_id: UUID
    under_way: int = 0
    failures: int = 0
    paused_until: float = 0.0
    # How long its responses take: rises to the slowest at once, and falls by halves.
    seconds: float = 0.0
    ended_at: float = 0.0

    @property
    def is_narrowed(self) -> bool:
        return self.failures > 0 or self.seconds > QUICK_SECONDS

    def is_needed(self, at: float) -> bool:
        return self.under_way > 0 or (self.is_narrowed and at < self.ended_at + PACE_SECONDS)

    def free(self, at: float) -> int:
        """How many more may be sent at once: half as many after each failure in a row."""
        most = MAX_PER_ENDPOINT >> min(self.failures, FAILURES_BEFORE_PAUSE)
        if self.seconds > QUICK_SECONDS:
            most = min(most, int(MAX_PER_ENDPOINT * QUICK_SECONDS / self.seconds))
        return 0 if at < self.paused_until else max(0, max(1, most) - self.under_way)

    def ended(self, is_failure: bool, at: float, seconds: float) -> None:
        self.under_way -= 1
        self.ended_at = at
        self.seconds = max(seconds, (self.seconds + seconds) / 2)
        self.failures = self.failures + 1 if is_failure else 0
        if self.failures >= FAILURES_BEFORE_PAUSE:
            self.paused_until = at + PAUSE_SECONDS


class Sender:
    """`run` lasts until `stop`, from any thread. Raises TurnsFail once its turns have failed."""

    def __init__(self) -> None:
        self._stop_by: float | None = None
        self._failing_since: float | None = None
        self._turn_began_at: float | None = None
        self._paces: dict[UUID, Pace] = {}
        self._outcomes: list[Outcome] = []
        self._replay_at = 0.0
        self._paused_for: str | None = None
        self._is_introduced = False

    @property
    def is_failing(self) -> bool:
        """Whether the last turn failed or takes too long. An outage fails no turn."""
        began_at = self._turn_began_at or math.inf
        return self._failing_since is not None or (
            time.monotonic() - began_at > MAX_FAILING_SECONDS
        )

    def stop(self) -> None:
        """Claim nothing more. Messages under way are sent, and written within STOP_SECONDS."""
        self._stop_by = time.monotonic() + STOP_SECONDS

    async def run(self) -> None:
        self._wake = asyncio.Event()
        self._stopping = asyncio.Future[Any]()
        loop = asyncio.get_running_loop()
        self._transport = Transport()
        database = ThreadPoolExecutor(1, "webhooks-database", bound_statements)
        sending: set[asyncio.Task[None]] = set()
        try:
            while True:
                begun_at = time.monotonic()
                self._wake.clear()
                turn = await loop.run_in_executor(database, self._turn)
                for claim, body in turn:
                    task = loop.create_task(self._send(claim, body))
                    sending.add(task)
                    task.add_done_callback(sending.discard)
                if self._stop_by is not None:
                    if begun_at > self._stop_by or not (sending or self._outcomes):
                        break
                    if not self._stopping.done():
                        self._stopping.set_result(None)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                    await asyncio.sleep(begun_at + MIN_TURN_SECONDS - time.monotonic())
        finally:
            if self._outcomes:
                logger.error(
                    "the outcomes of %(count)d tries were not written: they are tried again",
                    {"count": len(self._outcomes)},
                )
            database.submit(connections.close_all)
            database.shutdown()
            await self._transport.close()

    def _turn(self) -> list[tuple[Claim, str | None]]:
        """Write outcomes and claim messages, in the database's thread. Raises TurnsFail.

        Returns the claims with their bodies; None for a body that can't be made.
        """
        self._turn_began_at = time.monotonic()
        close_old_connections()
        outcomes = self._outcomes[:]
        try:
            locked = outcomes_record(outcomes, now=clock.now())
            self._outcomes[: len(outcomes)] = locked
            claims = self._claim(Counter(one.claim.endpoint_id for one in locked))
            self._failing_since = None
            LAST_TURN.set(time.time())
            DATABASE.record_recovery()
            return claims
        except Exception as error:
            if is_outage(error):
                self._failing_since = None
                DATABASE.record_failure(error)
            else:
                now = time.monotonic()
                self._failing_since = self._failing_since or now
                if now - self._failing_since >= MAX_FAILING_SECONDS:
                    raise TurnsFail from error
                logger.exception("a turn of the sender failed")
            time.sleep(AWAY_SECONDS)
            return []
        finally:
            self._turn_began_at = None

    def _claim(self, locked: Counter[UUID]) -> list[tuple[Claim, str | None]]:
        """Claim messages. Locked outcomes keep their places, so that few wait to be written."""
        at = time.monotonic()
        if self._stop_by is not None or self._is_paused():
            return []
        if at >= self._replay_at:
            self._replay_at = at + REPLAY_SECONDS
            replays_go_on()
        paces = {id_: one for id_, one in self._paces.items() if one.is_needed(at) or id_ in locked}
        under_way: Counter[UUID] = Counter()
        for pace in paces.values():
            under_way[pace.organization_id] += pace.under_way
        free = {id_: max(0, pace.free(at) - locked[id_]) for id_, pace in paces.items()}
        # `+` leaves out organizations with nothing under way.
        claims = deliveries_claim(free=free, under_way=+under_way, now=clock.now())
        # Before the claims count as under way: if this fails, none is sent and the claims end.
        made = bodies(claim for claim in claims if claim.body is None)
        for claim in claims:
            paces.setdefault(claim.endpoint_id, Pace(claim.organization_id)).under_way += 1
        self._paces = paces
        return [(claim, claim.body or made.get(claim.id)) for claim in claims]

    def _is_paused(self) -> bool:
        """Read in each turn: the database may have become another one since the last."""
        reason = SenderState.pause_reason()
        if reason != self._paused_for:
            self._paused_for = reason
            if reason is None:
                logger.info("webhooks are sent again")
            else:
                logger.warning("no webhooks are sent: %(reason)s", {"reason": reason})
        if reason is None and not self._is_introduced:
            SenderState.introduce()
            self._is_introduced = True
        return reason is not None

    async def _send(self, claim: Claim, body: str | None) -> None:
        begun_at = time.monotonic()
        outcome = Outcome(claim=claim, body=body, tried_at=clock.known_now())
        look_ups: Sequence[asyncio.Future[Any]] = ()
        try:
            if body is None:
                raise TryFailed("The message could not be made: the worker's log says why.")
            headers = headers_of(claim, body, outcome.tried_at)
            answer = await self._transport.post(claim.url, headers, body)
            outcome.response_status, outcome.response_body = answer
            if not 200 <= answer.status < 300:
                why = ": redirects are not followed" if 300 <= answer.status < 400 else ""
                outcome.failure = f"Answered {answer.status}{why}."
        except TryFailed as failed:
            outcome.failure, outcome.failure_detail = str(failed), failed.detail
            look_ups = failed.look_ups
        except Exception:
            logger.exception("a message could not be sent")
            outcome.failure = "The message could not be sent: the worker's log says why."
        ended_at = time.monotonic()
        outcome.duration_ms = round(1000 * (ended_at - begun_at))
        if outcome.failure == NO_CONNECTION and settings.PRODUCTION:
            # Sooner, a customer could see which addresses of our network refuse a connection.
            await asyncio.wait([self._stopping], timeout=begun_at + TIMEOUT_SECONDS - ended_at)
        self._outcomes.append(outcome)
        self._wake.set()
        if look_ups:
            await asyncio.wait([self._stopping, *look_ups], return_when=asyncio.FIRST_COMPLETED)
        has_failed = outcome.failure is not None
        self._paces[claim.endpoint_id].ended(has_failed, ended_at, ended_at - begun_at)


def bound_statements() -> None:
    """Begin this thread's connection with STATEMENT_TIMEOUT."""
    settings_dict = connection.settings_dict
    bounded = f"{settings_dict['OPTIONS']['options']} -c statement_timeout={STATEMENT_TIMEOUT}"
    options = {**settings_dict["OPTIONS"], "options": bounded}
    connection.settings_dict = {**settings_dict, "OPTIONS": options}


class WorkerSender(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's first process."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **_: Any) -> None:
        self._sender = Sender()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def include_if(self, worker: Any) -> bool:
        return sends_webhooks(worker)

    def start(self, worker: Any) -> None:
        health_checks["sender"] = lambda: not self._sender.is_failing
        self._thread.start()

    def stop(self, worker: Any) -> None:
        self._sender.stop()
        # It ends by itself, after a last turn.
        self._thread.join(STOP_SECONDS + 5)

    terminate = stop

    def _run(self) -> None:
        try:
            uvloop.run(self._sender.run())
        except Exception:
            # The service manager starts the worker again.
            logger.exception("the sender of webhooks failed")
            os.kill(os.getpid(), signal.SIGTERM)
