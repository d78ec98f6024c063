"""A thousand attached sessions that say nothing, over two runtimes: each renews its own at once."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from database_proxy import DatabaseProxy, database_proxy
from django.utils import timezone
from rows import create_many, session_of
from streaming import attached

from kynaplatform.timing import LEASE
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, Status
from tests.conftest import Machine
from tests.server import RuntimeServer, runtime_server
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SESSION_COUNT = 100
RENEW_SECONDS = 1.0


@pytest.fixture
def runtimes(
    tmp_path: Path, transactional_db: None
) -> Iterator[list[tuple[RuntimeServer, DatabaseProxy]]]:
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(2):
            proxy = stack.enter_context(database_proxy(database_url()))
            environment = {
                "DATABASE_URL": proxy.url,
                # Heartbeats have statements of their own: none comes after the first.
                "HURRY": json.dumps(
                    {
                        "RENEW_SECONDS": RENEW_SECONDS,
                        # Longer than this test may be held up between two batches.
                        "FRESH_LEASE_SECONDS": 4,
                        "PROBE_SECONDS": 0.5,
                        "BEAT_SECONDS": 3600,
                    }
                ),
            }
            server = stack.enter_context(
                runtime_server(tmp_path, environment, module="tests.realtime.hurried")
            )
            started.append((server, proxy))
        yield started


def is_renewal(statement: str) -> bool:
    return "attached.idle_at" in statement


def of_its_own(statement: str) -> bool:
    """Whether a runtime says it also with no session: its probe, and how long all were away."""
    return statement == "SELECT 1" or "platform_heartbeat" in statement


def is_quiet(proxies: list[DatabaseProxy]) -> bool:
    """Whether nothing but renewals and probes comes for a while."""

    def others() -> int:
        said = [text for proxy in proxies for text in proxy.statements]
        return sum(not of_its_own(text) and not is_renewal(text) for text in said)

    before = others()
    time.sleep(RENEW_SECONDS)
    return others() == before


def test_a_runtime_renews_all_its_leases_in_one_statement(
    owner: Machine, squat: MoveSpec, runtimes: list[tuple[RuntimeServer, DatabaseProxy]]
) -> None:
    sessions = [
        created
        for server, _ in runtimes
        for created in create_many(owner, squat, server.url, SESSION_COUNT // 2)
    ]
    sockets = [attached(created) for created in sessions]
    try:
        live = DetectionSession.objects.filter(status=Status.STREAMING)
        assert live.count() == SESSION_COUNT
        proxies = [proxy for _, proxy in runtimes]
        eventually(lambda: is_quiet(proxies), "the attaches are over")
        began, renewed_since = time.monotonic(), timezone.now() + LEASE
        for proxy in proxies:
            proxy.statements.clear()
        eventually(
            lambda: not live.filter(lease_until__lt=renewed_since).exists(),
            "every lease is renewed",
        )
        for proxy in proxies:
            # A runtime whose listener was lost meanwhile reads its sessions again.
            said = [text for text in proxy.statements if not of_its_own(text) and "UPDATE" in text]
            assert said
            assert [text for text in said if not is_renewal(text)] == []
            # One may have waited in the proxy.
            assert len(said) <= (time.monotonic() - began) / RENEW_SECONDS + 2
        assert session_of(sessions[0]).attachment_id is not None
    finally:
        for socket in sockets:
            socket.socket.close()
    eventually(lambda: not live.filter(attachment_id__isnull=False).exists(), "all are detached")
