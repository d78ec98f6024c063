"""The bucket of events: what it leaves out, and the same however the frames are batched."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from detection import DetectionEvent
from realtime.progress import (
    BUCKET_EVENTS,
    EVENTS_PER_SECOND,
    EventBucket,
)

MAX_EVENTS = 20_000
SHAPES = ("up", "down", "up:left", "up:right")


def shape(kind: str, key: str, ts_ms: float) -> DetectionEvent:
    """Of a shape, or as `up:left` of a shape on a side."""
    name, _, side = key.partition(":")
    payload = {"shape_key": name, "confidence": 1.0} | ({"side": side} if side else {})
    return DetectionEvent(f"shape_{kind}", ts_ms, payload)


def key_of(event: DetectionEvent) -> str:
    side = event.payload.get("side")
    return f"{event.payload.get('shape_key')}{f':{side}' if side else ''}"


def cue(ts_ms: float) -> DetectionEvent:
    return DetectionEvent("feedback", ts_ms, {"level": "info", "message": "Deeper"})


def completed(ts_ms: float) -> DetectionEvent:
    return DetectionEvent("event_completed", ts_ms, {"event_key": "squat", "score": 1.0})


def kept_of(events: Iterable[DetectionEvent], bucket: EventBucket) -> list[DetectionEvent]:
    kept: list[DetectionEvent] = []
    for event in events:
        if bucket.takes(event, len(kept)):
            kept.append(event)
    return kept


def test_so_many_at_once_are_kept_and_then_so_many_a_second() -> None:
    bucket = EventBucket(MAX_EVENTS)
    assert len(kept_of([cue(0)] * 1000, bucket)) == BUCKET_EVENTS
    assert bucket.thinned == 1000 - BUCKET_EVENTS
    a_minute = [cue(ms) for ms in range(1, 60_001)]
    assert len(kept_of(a_minute, bucket)) == 60 * EVENTS_PER_SECOND


def test_an_exit_is_left_out_with_its_entry() -> None:
    bucket = EventBucket(MAX_EVENTS)
    kept_of([cue(0)] * (BUCKET_EVENTS - 1), bucket)
    events = [shape("enter", "up", 0), shape("enter", "down", 0)]
    events += [shape("exit", "up", 1), shape("exit", "down", 1)]
    assert kept_of(events, bucket) == [events[0], events[2]]
    # The exit took a token that was not there.
    assert not bucket.takes(cue(50), 0)
    assert bucket.takes(cue(120), 0)


def test_outcomes_are_never_left_out() -> None:
    bucket = EventBucket(MAX_EVENTS)
    kept_of([cue(0)] * 1000, bucket)
    outcomes = [completed(0)] * 500 + [DetectionEvent("event_interrupted", 0, {"reason": "x"})]
    assert kept_of(outcomes, bucket) == outcomes
    assert all(bucket.takes(one, MAX_EVENTS) for one in outcomes)


def test_after_the_most_of_a_session_only_outcomes_go_on() -> None:
    bucket = EventBucket(MAX_EVENTS)
    for event in (cue(0), shape("enter", "up", 0), shape("exit", "up", 0)):
        assert bucket.takes(event, MAX_EVENTS - 1)
        assert not bucket.takes(event, MAX_EVENTS)
    assert bucket.thinned == 3


@st.composite
def streams(draw: st.DrawFn) -> list[DetectionEvent]:
    """Shapes that are entered and left in turn, cues and outcomes, many at once."""
    held: set[str] = set()
    events: list[DetectionEvent] = []
    ts_ms = 0.0
    for kind, gap in draw(
        st.lists(
            st.tuples(
                st.sampled_from([*SHAPES, "cue", "outcome"]), st.sampled_from([0, 0, 30, 400])
            ),
            max_size=400,
        )
    ):
        ts_ms += gap
        if kind in SHAPES:
            events.append(shape("exit" if kind in held else "enter", kind, ts_ms))
            held ^= {kind}
        else:
            events.append(cue(ts_ms) if kind == "cue" else completed(ts_ms))
    return events


@given(
    events=streams(), points=st.sets(st.integers(0, 400)), left=st.sampled_from([0.0, 3.0, 200.0])
)
def test_stored_and_made_again_anywhere_it_keeps_the_same(
    events: list[DetectionEvent], points: set[int], left: float
) -> None:
    whole = EventBucket(MAX_EVENTS, left)
    expected = kept_of(events, whole)
    bucket, kept = EventBucket(MAX_EVENTS, left), list[DetectionEvent]()
    for number, event in enumerate(events):
        if number in points:
            bucket = EventBucket(MAX_EVENTS, **json.loads(json.dumps(bucket.state())))
        if bucket.takes(event, len(kept)):
            kept.append(event)
    assert kept == expected
    assert bucket.state() == whole.state()
    assert bucket.thinned == len(events) - len(kept)
    # Each shape is entered and left in turn, of what is kept too.
    for key in SHAPES:
        kinds = [one.type for one in kept if key_of(one) == key]
        assert kinds == [["shape_enter", "shape_exit"][number % 2] for number in range(len(kinds))]
