"""Time that passes without a frame: a clock that is told to the engine, and what it changes."""

import pytest
from engine_scene import bent, held, movespec, run, told, unseen

from detection import Engine, PoseFrame

UP, DOWN = bent(178), bent(80)
MIDWAY = held((UP, 500), (DOWN, 500))
LAST_MS = MIDWAY[-1].timestamp_ms
COMES_BACK = held((UP, 500), (DOWN, 500), (UP, 500), start_ms=LAST_MS + 2000)


def midway() -> Engine:
    engine = Engine(movespec())
    for frame in MIDWAY:
        engine.feed(frame)
    return engine


def test_the_pose_is_lost_two_seconds_after_it_was_last_seen() -> None:
    engine = midway()
    assert engine.advance(LAST_MS + 1999.9) == []
    events = engine.advance(LAST_MS + 2000)
    assert told(events) == ["shape_exit:bottom", "event_interrupted:pose_lost"]
    assert [event.ts_ms for event in events] == [LAST_MS + 2000] * 2
    assert events[0].payload["confidence"] == 0.0
    assert engine.finish() == []


@pytest.mark.parametrize("late_ms", [0, 0.1, 500, 60_000, 1e15])
def test_a_clock_that_comes_late_tells_the_same(late_ms: float) -> None:
    events = midway().advance(LAST_MS + 2000 + late_ms)
    assert events == midway().advance(LAST_MS + 2000)


def test_a_pose_that_is_not_usable_does_not_put_the_loss_off() -> None:
    engine = midway()
    assert engine.feed(PoseFrame(LAST_MS + 1500, unseen(DOWN))) == []
    assert {event.ts_ms for event in engine.advance(LAST_MS + 2500)} == {LAST_MS + 2000}


def test_it_is_lost_once() -> None:
    engine = midway()
    engine.advance(LAST_MS + 2000)
    state = engine.snapshot()
    for clock_ms in (LAST_MS + 2000, LAST_MS + 9000, LAST_MS, -1e308, 1e308):
        assert engine.advance(clock_ms) == []
    assert engine.snapshot() == state


@pytest.mark.parametrize("clock_ms", [LAST_MS + 1999, LAST_MS, 0.0, -5.0, -1e308])
def test_an_earlier_clock_changes_nothing(clock_ms: float) -> None:
    engine = midway()
    state = engine.snapshot()
    assert engine.advance(clock_ms) == []
    assert engine.snapshot() == state


def test_who_comes_back_begins_as_in_a_new_session() -> None:
    engine = midway()
    engine.advance(LAST_MS + 60_000)
    after = [event for frame in COMES_BACK for event in engine.feed(frame)]
    assert after == run(movespec(), COMES_BACK, finish=False)
    assert told(after)[-1] == "event_completed:squat"


def test_a_clock_and_a_frame_lose_the_same_but_for_the_time() -> None:
    by_clock = midway()
    events = by_clock.advance(LAST_MS + 5000)
    by_frame = midway()
    lost = by_frame.feed(PoseFrame(LAST_MS + 5000, UP))
    by_clock.feed(PoseFrame(LAST_MS + 5000, UP))
    assert [(event.type, event.payload) for event in events] == [
        (event.type, event.payload) for event in lost
    ]
    assert by_clock.snapshot() == by_frame.snapshot()
