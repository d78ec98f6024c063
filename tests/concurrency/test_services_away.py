"""The database or Redis goes away under the running server: 503 at most, then as before."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from racing import (
    Answer,
    Connection,
    locked,
    other_backends,
    race,
    racing,
    session_body,
    terminate,
    waiting_backends,
)

from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.throttling import RequestCounter
from kynaplatform.dependencies import Outage
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, Machine
from tests.module_servers import WebServer
from tests.realtime.database_proxy import DatabaseProxy, database_proxy
from tests.server import web_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ALL_OK = dict.fromkeys(
    ("migrations", "signing_keys", "peppers", "webhooks", "static_files", "broker"), "ok"
)
UNKNOWN = dict.fromkeys(("migrations", "signing_keys", "peppers", "webhooks"), "unknown")
THREADS = 5  # of the one process; each has a database connection


def assert_unavailable(answer: Answer, **details: str) -> None:
    assert answer.status == 503
    assert answer.error["code"] == "service_unavailable"
    assert answer.error["retryable"] is True
    assert answer.error["details"] == details
    assert int(answer.headers["retry-after"]) >= 1


def use_every_thread(base_url: str, owner: Machine) -> None:
    """Requests at once until each thread of the worker has its database connection."""

    def read() -> int:
        client = Connection(base_url)
        status = client.call("GET", SESSIONS, token=owner.token).status
        client.close()
        return status

    def is_connected() -> bool:
        assert race([read] * 8) == [200] * 8
        return len(other_backends()) == THREADS

    eventually(is_connected, "each thread is connected")


def create(client: Connection, owner: Machine, movespec: MoveSpec) -> Answer:
    return client.create(owner, **session_body(owner, movespec))


def read_sessions(client: Connection, owner: Machine, movespec: MoveSpec) -> Answer:
    return client.call("GET", SESSIONS, token=owner.token)


def mint_token(client: Connection, owner: Machine, movespec: MoveSpec) -> Answer:
    return client.call("POST", TOKENS, {"api_key": owner.secret})


def read_public(client: Connection, owner: Machine, movespec: MoveSpec) -> Answer:
    return client.call("GET", MOVESPECS)


def read_keys(client: Connection, owner: Machine, movespec: MoveSpec) -> Answer:
    return client.call("GET", "/.well-known/jwks.json")


REQUESTS: list[Callable[[Connection, Machine, MoveSpec], Answer]] = [
    create, read_sessions, mint_token, read_public, read_keys,
]  # fmt: skip


@pytest.mark.parametrize("ask", REQUESTS, ids=lambda ask: ask.__name__)
def test_after_its_connections_are_terminated_not_even_the_first_request_fails(
    owner: Machine,
    movespec: MoveSpec,
    web: WebServer,
    ask: Callable[[Connection, Machine, MoveSpec], Answer],
) -> None:
    client = Connection(web.base_url)
    for _ in range(2):
        use_every_thread(web.base_url, owner)
        terminate(other_backends())
        answers = [ask(client, owner, movespec) for _ in range(THREADS * 4)]
        assert {answer.status for answer in answers} <= {200, 201}


def test_a_create_whose_connection_is_terminated_midway_is_503_and_the_retry_makes_one(
    owner: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    with web_server(tmp_path) as base_url:
        client = Connection(base_url)
        work = [lambda: client.create(owner, "k", **session_body(owner, movespec))]
        with locked("detection_session"), racing(work) as creating:
            before = other_backends()
            creating.start()
            eventually(lambda: waiting_backends() == 1, "the create waits")
            terminate(other_backends() - before)
            (first,) = creating.results()
        assert_unavailable(first)
        assert DetectionSession.objects.count() == 0
        again = client.create(owner, "k", **session_body(owner, movespec))
        assert (again.status, again.is_replay) == (201, False)
        assert client.create(owner, "k", **session_body(owner, movespec)).body == again.body
    assert DetectionSession.objects.count() == 1


@contextlib.contextmanager
def database_refuses_connections() -> Iterator[None]:
    name = sql.Identifier(connection.settings_dict["NAME"])
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as elsewhere:
        elsewhere.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            terminate(other_backends())
            yield
        finally:
            elsewhere.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def test_while_the_database_is_away_every_request_is_503_and_later_all_is_well(
    owner: Machine, movespec: MoveSpec, web: WebServer
) -> None:
    earlier = len(web.log.read_text())
    client = Connection(web.base_url)
    use_every_thread(web.base_url, owner)
    with database_refuses_connections():
        for ask in REQUESTS * 2:
            assert_unavailable(ask(client, owner, movespec))
        assert client.call("GET", "/healthz").status == 200
        for _ in range(THREADS * 2):
            answer = client.call("GET", "/readyz")
            assert_unavailable(answer, database="down", **ALL_OK | UNKNOWN)
    answers = [ask(client, owner, movespec) for ask in REQUESTS * 2]
    assert Counter(answer.status for answer in answers) == {201: 4, 200: 6}
    ready = {"status": "ok", "database": "ok"} | ALL_OK
    # What was found a moment ago is told for a second.
    eventually(lambda: client.call("GET", "/readyz").json() == ready, "it is ready again")
    log = web.log.read_text()[earlier:]
    assert "Traceback" not in log
    assert log.count("the database is out of reach") == 1
    assert log.count("the database is back") == 1
    assert (log.count(" database: down"), log.count(" database: ok again")) == (1, 1)
    # Besides them and the server's own, each request has its line.
    lines = [line for line in log.splitlines() if "_granian" not in line]
    asked = [line for line in lines if " kynaplatform.request " in line]
    assert len(lines) == len(asked) + 4


@contextlib.contextmanager
def redis_proxy(redis_url: str) -> Iterator[tuple[DatabaseProxy, str]]:
    """A proxy of Redis, and its address."""
    with database_proxy(redis_url) as proxy:
        yield proxy, proxy.url.removesuffix("?sslmode=disable")


def counted(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers["ratelimit-remaining"]


def fallbacks(client: Connection) -> float:
    metrics = client.call("GET", "/metrics").body.decode()
    [family] = [
        found
        for found in text_string_to_metric_families(metrics)
        if found.name == "kyna_rate_limit_fallbacks"
    ]
    return next(sample.value for sample in family.samples if sample.name.endswith("_total"))


def with_redis(url: str) -> dict[str, Any]:
    return {"REDIS_URL": url, "RATE_LIMIT_SESSIONS": "3/minute"}


def test_when_redis_goes_away_requests_go_on_with_the_machines_own_count(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, redis_url: str
) -> None:
    with (
        redis_proxy(redis_url) as (proxy, address),
        web_server(tmp_path, environment=with_redis(address)) as base_url,
    ):
        client = Connection(base_url)
        before = [counted(create(client, owner, movespec)) for _ in range(2)]
        assert before == [(201, "2"), (201, "1")]
        assert fallbacks(client) == 0
        proxy.refuse()
        # Redis's count is out of reach, the machine's own begins.
        answers = [counted(create(client, owner, movespec)) for _ in range(4)]
        assert fallbacks(client) == 4
    assert answers == [(201, "2"), (201, "1"), (201, "0"), (429, "0")]
    assert DetectionSession.objects.count() == 5
    assert (tmp_path / "web.log").read_text().count("Redis is out of reach") == 1


def test_that_redis_is_away_is_told_once_and_that_it_is_back(
    redis_url: str,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("kynaplatform.api.rate_limits.REST_SECONDS", 0.0)
    # Another test may have left one that is not over.
    monkeypatch.setattr("kynaplatform.api.rate_limits.REDIS", Outage("Redis"))
    with redis_proxy(redis_url) as (proxy, address):
        settings.REDIS_URL, settings.DATA_DIR = address, tmp_path
        counter, limits = RequestCounter(), [Limit("test:away", 1000)]
        counter.count(limits)
        for change in (proxy.refuse, proxy.reach):
            change()
            for _ in range(50):
                counter.count(limits)
    told = (one.getMessage() for one in caplog.records if one.name == "kynaplatform.outages")
    away, back = (message for message in told if message.startswith("Redis"))
    assert away.startswith("Redis is out of reach (failures: 1): ")
    assert back.startswith("Redis is back after ")
