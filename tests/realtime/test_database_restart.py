"""PostgreSQL itself restarted under sessions that stream: they wait, and nothing is lost."""

import random
import signal
from pathlib import Path

import pytest
from persistent import Pace, PersistentClient, encoded, streaming
from restarts import restart
from rows import expected_events, session_of, stored_events
from streaming import SQUAT, Client, batches, create, wire_frames

from dev.local_stack.postgres import EmbeddedPostgres
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import SessionAttach
from tests.conftest import SESSIONS, Machine
from tests.server import runtime_server

pytestmark = pytest.mark.django_db(transaction=True)

SESSION_COUNT = 50
POSES = perform("squat", repetitions=2, fps=10)
BATCHES = batches(wire_frames(POSES), 5)
EVENTS = expected_events(SQUAT, POSES, finished=True)


@pytest.mark.long
def test_sessions_stream_on_through_restarts_of_the_database(
    own_database: EmbeddedPostgres, owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    messages = encoded(BATCHES)
    total = len(messages) * SESSION_COUNT
    pace = Pace([total // 5, total // 2, total * 4 // 5])
    # Fast, as at a restart; immediate, as after a crash.
    ways = [signal.SIGINT, signal.SIGQUIT, signal.SIGINT]
    with runtime_server(tmp_path, module="tests.realtime.hurried") as runtime:
        listening = create(owner, squat, runtime.url)
        attached = Client(listening)
        attached.expect("session_update")
        clients = [
            PersistentClient(
                [runtime.url],
                create(owner, squat, runtime.url),
                BATCHES,
                messages,
                random.Random(number),  # noqa: S311
                pace.count,
            )
            for number in range(SESSION_COUNT)
        ]
        for _ in streaming(clients, pace):
            restart(own_database, ways.pop())
        # It listens again.
        owner.post(f"{SESSIONS}/{listening['session_id']}/cancel")
        assert attached.expect("session_done")["status"] == "cancelled"
    for client in clients:
        session = session_of(client.created)
        assert (session.status, session.terminal_outcome) == ("completed", "completed")
        assert session.accepted_frames_total == len(POSES)
        assert session.events_total == len(EVENTS)
        assert stored_events(client.created) == EVENTS
        # None had to attach again: each waited for its acknowledgement.
        assert (client.attaches, client.close_codes) == (1, [])
        assert SessionAttach.objects.filter(session_id=client.session_id).count() == 1
