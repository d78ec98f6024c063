"""The state of the services that this process needs; each is asked for 2 s at most.

A service may accept a connection and stay silent, so a thread of its own asks it, one however many
callers wait.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from threading import Event, Lock, Thread

from celery import current_app
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, InterfaceError, ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader
from kombu.exceptions import OperationalError as BrokerError

from kynaplatform.database.connections import drop_closed_connections
from kynaplatform.dependencies import DATABASE

logger = logging.getLogger("kynaplatform.readiness")

ASK_SECONDS = 2.0
FRESH_SECONDS = 1.0
OK, DOWN, FULL, MISSING, UNKNOWN = "ok", "down", "full", "missing", "unknown"
# What every request needs; the others are only reported.
REQUIRED = ("database", "migrations")

Question = Callable[[], str]
# Asked of the database once it answers; apps add theirs when they are ready.
DATABASE_QUESTIONS: dict[str, Question] = {}


class Asking:
    def __init__(self) -> None:
        self.begun_at = time.monotonic()
        self.found: dict[str, str] = {}
        self.error: BaseException | None = None
        self.ended = Event()
        self.ended_at = math.inf


class Inquiry:
    """Asks its questions one after the other, in a thread that is kept."""

    def __init__(self, questions: Mapping[str, Question]) -> None:
        self._questions = questions
        self._lock = Lock()
        self._last: Asking | None = None
        self._to_ask = SimpleQueue[Asking]()
        self._thread: Thread | None = None

    def begin(self) -> Asking:
        """Ask, or join an asking that is under way or ended less than FRESH_SECONDS ago."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="readiness", daemon=True)
                self._thread.start()
            if not self._last or time.monotonic() - self._last.ended_at >= FRESH_SECONDS:
                self._last = Asking()
                self._to_ask.put(self._last)
            return self._last

    def answers(self, asking: Asking) -> dict[str, str]:
        """Each question's answer; the first that has none within 2 s is `down`."""
        asking.ended.wait(asking.begun_at + ASK_SECONDS - time.monotonic())
        found = dict(asking.found)
        unanswered = [name for name in self._questions if name not in found]
        if unanswered and {DOWN, FULL}.isdisjoint(found.values()):
            found[unanswered[0]] = DOWN
        return {name: found.get(name, UNKNOWN) for name in self._questions}

    def ask(self, asking: Asking) -> None:
        try:
            drop_closed_connections()
            for name, question in self._questions.items():
                asking.found[name] = question()
                if asking.found[name] in (DOWN, FULL):
                    break
        except Exception as error:  # noqa: BLE001 - the next asking needs this thread
            asking.error = error
            with suppress(Exception):
                connection.close()
        finally:
            asking.ended_at = time.monotonic()
            asking.ended.set()

    def _serve(self) -> None:
        while True:
            self.ask(self._to_ask.get())


class Readiness:
    """The states that `inquiries` ask for. Logs each change."""

    def __init__(self, *inquiries: Inquiry) -> None:
        self._inquiries = inquiries
        self._logged: dict[str, str] = {}

    def states(self) -> dict[str, str]:
        """The states by name: `ok`, the fault, or `unknown` where another fault hides it."""
        asked = [(inquiry, inquiry.begin()) for inquiry in self._inquiries]
        states: dict[str, str] = {}
        for inquiry, asking in asked:
            found = inquiry.answers(asking)
            self._log(found, asking.error)
            states |= found
        return states

    def _log(self, states: Mapping[str, str], error: BaseException | None) -> None:
        for name, state in states.items():
            if state in (UNKNOWN, self._logged.get(name, OK)):
                continue
            self._logged[name] = state
            if state == OK:
                logger.info("%(check)s: %(state)s again", {"check": name, "state": state})
            else:
                why = f" ({type(error).__name__})" if error else ""
                logger.warning(
                    "%(check)s: %(state)s%(why)s", {"check": name, "state": state, "why": why}
                )


def is_ready(states: Mapping[str, str]) -> bool:
    return all(states[name] == OK for name in REQUIRED)


def database_state() -> str:
    """`full` if this process's last writes failed for want of room, whether reads go on or not."""
    state = OK
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        DATABASE.record_failure(error)
        state = DOWN
    return FULL if DATABASE.has_full_disk else state


def migrations_state() -> str:
    """Whether every migration of this code is applied."""
    newest = newest_migrations()
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT app, name FROM django_migrations")
        except ProgrammingError:  # there is no such table
            return MISSING
        return OK if newest <= set(cursor.fetchall()) else MISSING


@cache
def newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def broker_state() -> str:
    try:
        with current_app.connection_for_write(
            connect_timeout=ASK_SECONDS, transport_options={"socket_timeout": ASK_SECONDS}
        ) as broker:
            broker.ensure_connection(max_retries=0, timeout=ASK_SECONDS)
    except (OSError, BrokerError):
        return DOWN
    return OK


def static_files_state() -> str:
    """Whether `collectstatic` has run: without it no page of staff can be shown."""
    if not settings.PRODUCTION:
        return OK
    try:
        staticfiles_storage.url("admin/css/base.css")
    except ValueError:
        return MISSING
    return OK


DATABASE_QUESTIONS.update(database=database_state, migrations=migrations_state)


@cache
def readiness() -> Readiness:
    """The readiness of the API."""
    return Readiness(
        Inquiry(DATABASE_QUESTIONS),
        Inquiry({"static_files": static_files_state, "broker": broker_state}),
    )
