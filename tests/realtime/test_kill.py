"""Runtimes killed at random moments: nothing acknowledged is lost, nothing counts twice."""

import random

import pytest
from persistent import Batch, Pace, PersistentClient, encoded, streaming
from rows import create_many, stored_events
from streaming import batches, wire_frames
from supervisor import Supervisor

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine
from tests.long_runs import at_length

pytestmark = pytest.mark.django_db(transaction=True)

FIGURES = 5


def figure(seed: int) -> list[Batch]:
    frames = wire_frames(perform("squat", repetitions=2, fps=10, seed=seed))
    return batches(frames, 3 + seed)


@at_length("session_count", 60, 200)
def test_sessions_complete_as_if_undisturbed_when_runtimes_are_killed(
    owner: Machine, squat: MoveSpec, supervisor: Supervisor, session_count: int
) -> None:
    kill_count = session_count // 15
    chance = random.Random(21)  # noqa: S311
    streamed = [figure(number) for number in range(FIGURES)]
    messages = [encoded(one) for one in streamed]
    total = sum(len(messages[number % FIGURES]) for number in range(session_count))
    pace = Pace(sorted(chance.sample(range(1, int(total * 0.9)), kill_count)))

    def clients_of(count: int, pace: Pace) -> list[PersistentClient]:
        sessions = create_many(owner, squat, supervisor.stream_urls[0], count)
        return [
            PersistentClient(
                supervisor.stream_urls,
                created,
                streamed[number % FIGURES],
                messages[number % FIGURES],
                random.Random(number),  # noqa: S311
                pace.count,
            )
            for number, created in enumerate(sessions)
        ]

    undisturbed = clients_of(FIGURES, Pace([]))
    for _ in streaming(undisturbed, Pace([])):
        raise AssertionError("They are not disturbed.")
    assert [one.attaches for one in undisturbed] == [1] * FIGURES
    expected = [stored_events(one.created) for one in undisturbed]

    clients = clients_of(session_count, pace)
    for _ in streaming(clients, pace):
        supervisor.kill(chance.randrange(2))
    attaches = sum(one.attaches for one in clients)
    events_again = sum(one.events_again for one in clients)
    print(f"{kill_count} kills, {attaches} attaches, {events_again} events again")  # noqa: T201
    assert attaches > session_count + kill_count
    for number, one in enumerate(clients):
        frames = sum(map(len, streamed[number % FIGURES]))
        session = DetectionSession.objects.get(id=one.session_id)
        assert (session.status, session.terminal_outcome) == ("completed", "completed")
        assert session.accepted_frames_total == frames
        assert session.last_frame_seq == frames
        rows = stored_events(one.created)
        assert rows == expected[number % FIGURES]
        assert session.events_total == len(rows)
        record = owner.get(f"{SESSIONS}/{one.session_id}").json()
        assert record["status"] == "completed"
        assert record["accepted_frames_total"] == frames
        events = owner.get(f"{SESSIONS}/{one.session_id}/events?limit=500").json()
        assert [(each["type"], each["ts_ms"], each["payload"]) for each in events] == rows
        # Told in order; only the last ones, of the finish, may have been lost with a socket.
        told = list(one.events.values())
        assert told == events[: len(told)]
        if one.done is not None:
            assert told == events
            assert one.done["accepted_frames_total"] == frames
        else:
            assert one.ended == {
                "status": "completed",
                "terminal_outcome": "completed",
                "accepted_frames_total": frames,
            }
