"""A session counts with its own numbers and language: at each attach, and at its end"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lifecycle_scene import RUNTIME, Scene, at, sweep

from clients.python.wire import FrameBatch, encode, wire_frame
from detection.engine.plan import MAX_PLANS, plan_of
from dev.poses.figure import perform
from kynaplatform import clock
from realtime import messages
from realtime.attach import attach
from realtime.leased_session import LeasedSession
from realtime.progress import feed_batch
from sessions_app import context
from sessions_app.checkpoints import NewEvent
from sessions_app.context import spec_of_session
from sessions_app.models import DetectionSession
from tests.conftest import Machine, make_released

YAML = """\
name: squat
version: "1.0"
detection:
  type: repetition
  parameters:
    depth: {default: 120, min: 60, max: 130}
  movement:
    name: squat
    judge: bands
    phases:
      - {name: standing, criteria: [{joint: knee, min: 150}]}
      - {name: bottom, criteria: [{joint: knee, max: $depth}]}
    sequence: [standing, bottom, standing]
    feedback:
      - {when: completed, message: {en: Good, de: Gut, pt-BR: Boa}}
      - {when: interrupted, message: {en: Again, de: Nochmal, pt-BR: De novo}}
"""
POSES = [
    wire_frame(pose, seq) for seq, pose in enumerate(perform("squat", repetitions=1, fps=30), 1)
]


@pytest.fixture
def deep(owner: Machine) -> Scene:
    return Scene(owner, make_released(owner.project, YAML)[0])


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count()
    monkeypatch.setattr(clock, "now", lambda *_: at(next(seconds)))


def attached(session_id: UUID) -> LeasedSession:
    return attach(
        session_id=session_id,
        attachment_id=uuid4(),
        arrived_at=clock.ticks(),
        runtime=RUNTIME,
        client="",
    )


def streamed(one: LeasedSession, poses: Sequence[Any]) -> list[NewEvent]:
    batch = messages.decode(encode(FrameBatch(1, list(poses))))
    assert isinstance(batch, messages.FrameBatch)
    return feed_batch(one.progress, batch).events


def told(events: Iterable[NewEvent]) -> list[str]:
    """The completions, the interruptions and the messages of feedback."""
    return [
        event.payload.get("message") or event.type
        for event in events
        if event.type in ("feedback", "event_completed", "event_interrupted")
    ]


COMPLETED, INTERRUPTED = "event_completed", "event_interrupted"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, [COMPLETED, "Good"]),
        # The figure does not go so deep.
        ({"parameters": {"depth": 60.0}}, []),
        ({"locale": "de-AT"}, [COMPLETED, "Gut"]),
        # RFC 4647's lookup leaves off what comes last; it adds nothing.
        ({"locale": "pt"}, [COMPLETED, "Good"]),
        ({"parameters": {"depth": 130.0}, "locale": "PT-br"}, [COMPLETED, "Boa"]),
    ],
)
def test_a_stream_counts_by_the_context(
    deep: Scene, begun: None, context: dict[str, Any], expected: list[str]
) -> None:
    events = told(streamed(attached(deep.created(**context)), POSES))
    assert [one for one in events if one != INTERRUPTED and one not in AGAIN] == expected


AGAIN = {"Again", "Nochmal", "De novo"}
OWN = {"parameters": {"depth": 125.0}, "locale": "de-DE"}


def midway(deep: Scene) -> tuple[UUID, LeasedSession, int]:
    """A session whose stored state is in the middle of a repetition, and its frames so far."""
    session_id = deep.created(**OWN)
    one = attached(session_id)
    frames = 0
    events: list[NewEvent] = []
    while not any(event.payload.get("shape_key") == "bottom" for event in events):
        events += streamed(one, POSES[frames : frames + 1])
        frames += 1
    deep.checkpoint(
        session_id,
        one.attachment_id,
        1,
        1,
        frames=frames,
        packed_state=one.progress.packed_state(),
        last_frame_seq=frames,
        events=events,
    )
    return session_id, one, frames


def test_the_next_attach_goes_on_with_it(deep: Scene, begun: None) -> None:
    session_id, first, frames = midway(deep)
    again = attached(session_id)
    assert again.progress.intake.last_frame_seq == frames
    events = told(streamed(again, POSES[frames:]))
    assert events == told(streamed(first, POSES[frames:]))
    assert "Gut" in events


def test_the_sweep_finishes_with_it(deep: Scene, begun: None) -> None:
    session_id, *_ = midway(deep)
    deep.finalize(session_id, 2)
    assert sweep(200) == 1
    assert deep.state(session_id)[0] == "completed"
    last = DetectionSession.objects.get(id=session_id).events.order_by("-sequence")[:2]
    assert [event.payload.get("message") or event.type for event in last] == [
        "Nochmal",
        INTERRUPTED,
    ]


def test_as_many_numbers_as_sessions_keep_no_more_in_memory(deep: Scene) -> None:
    version_id = deep.movespec.current_released_version_id
    assert version_id is not None
    context.validation_of_version.cache_clear()
    with CaptureQueriesContext(connection) as queries:
        for number in range(MAX_PLANS + 10):
            session = DetectionSession(
                resolved_version_id=version_id, parameters={"depth": 60 + number / 10}
            )
            spec = spec_of_session(session)
            assert spec.phases[1].criteria[0].maximum == 60 + number / 10
            plan_of(spec)
    assert len(queries) == 1
    assert plan_of.cache_info().currsize == MAX_PLANS
    assert context.validation_of_version.cache_info().currsize == 1
