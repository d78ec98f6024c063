"""Real connections to a real server, let go at one moment; and who waits for whom in PostgreSQL."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections

from tests.conftest import SESSIONS, Machine
from tests.server import test_database_url as database_url
from tests.waiting import DEADLINE_SECONDS, eventually

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_replay(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One kept connection to the server."""

    def __init__(self, base_url: str) -> None:
        self.http = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=DEADLINE_SECONDS)
        self.http.connect()

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        try:
            self.http.request(method, path, body, sent)
            response = self.http.getresponse()
        except (BrokenPipeError, http.client.RemoteDisconnected):
            if method != "GET":
                raise
            # A server may close a kept connection at any time.
            self.http.close()
            self.http.request(method, path, body, sent)
            response = self.http.getresponse()
        read = response.read()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, read)

    def create(self, machine: Machine, key: str | None = None, **body: Any) -> Answer:
        headers = {} if key is None else {"idempotency_key": key}
        return self.call("POST", SESSIONS, body, machine.token, **headers)

    @property
    def local_port(self) -> int:
        port: int = self.http.sock.getsockname()[1]
        return port

    def close(self) -> None:
        self.http.close()


def session_body(machine: Machine, movespec: Any, **more: Any) -> dict[str, Any]:
    return {
        "mode": "live",
        "project_id": str(machine.project.id),
        "movespec_id": str(movespec.id),
        **more,
    }


class Race(Generic[T]):
    """Threads that stand ready; `start` lets them go at one moment."""

    def __init__(self, work: Sequence[Callable[[], T]], pool: ThreadPoolExecutor) -> None:
        self._gate = threading.Barrier(len(work) + 1)
        self._futures = [pool.submit(self._run, one) for one in work]

    def _run(self, one: Callable[[], T]) -> T:
        self._gate.wait(DEADLINE_SECONDS)
        try:
            return one()
        finally:
            connections.close_all()

    def start(self) -> None:
        self._gate.wait(DEADLINE_SECONDS)

    def results(self) -> list[T]:
        return [future.result(DEADLINE_SECONDS) for future in self._futures]


@contextmanager
def racing(work: Sequence[Callable[[], T]]) -> Iterator[Race[T]]:
    """All of `work`, each in a thread with a database connection of its own."""
    with ThreadPoolExecutor(len(work)) as pool:
        yield Race(work, pool)


def race(work: Sequence[Callable[[], T]]) -> list[T]:
    """Run all of `work` at once; the results in order."""
    with racing(work) as runners:
        runners.start()
        return runners.results()


def waiting_backends() -> int:
    """How many backends of the test database wait for a lock of another, this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN ("
            "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE datname = current_database())"
        )
        (count,) = cursor.fetchone()
    return int(count)


def other_backends() -> set[int]:
    """Backends of the test database that are not this thread's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def terminate(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [list(pids)])
    eventually(lambda: not pids & other_backends(), "the backends are gone")


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Hold `table` against every reader and writer, from a connection of its own."""
    with psycopg.connect(database_url()) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
