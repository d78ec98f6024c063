"""When a run is right: what the stream, the record and the stored events have to agree on."""

from typing import Any

import pytest

from clients.python.session_run import SessionRun
from clients.python.stream import StreamClient
from clients.python.wire import Event, SessionDone

COMPLETIONS = [
    Event(str(number), "s", 40.0 * number, "event_completed", {"event_key": "squat", "score": None})
    for number in range(2)
]


def record(frames: int, status: str = "completed", squats: int = 2) -> dict[str, Any]:
    return {
        "status": status,
        "accepted_frames_total": frames,
        "repetitions": {"squat": squats},
        "interrupted_total": 0,
    }


def run(**changed: Any) -> SessionRun:
    stream = StreamClient("ws://nowhere", "token")
    stream.events = COMPLETIONS
    fields: dict[str, Any] = {
        "frames_sent": 90,
        "stream": stream,
        "done": SessionDone("s", "completed", 90, "completed", None, {"squat": 2}, 0),
        "record": record(90),
        "stored_events": [
            {"event_id": event.event_id, "type": event.type, "payload": event.payload}
            for event in COMPLETIONS
        ],
    }
    for name in changed.keys() - fields.keys():
        setattr(stream, name, changed.pop(name))
    return SessionRun(**{**fields, **changed})


def test_it_is_right_when_all_agree() -> None:
    assert run().faults(2) == run().faults(None) == []
    assert run().attempts == {}


def test_the_reasons_of_frames_that_are_missing_are_told() -> None:
    done = SessionDone("s", "completed", 87, "completed", None, {"squat": 2}, 0)
    rejections = {"too_many_frames": 2, "image_landmarks": 1}
    rejected = run(done=done, record=record(87), rejections=rejections)
    assert rejected.faults(2) == [
        "90 frames were sent; the stream accepted 87, the record says 87.",
        "3 frames were rejected: 2 too_many_frames, 1 image_landmarks.",
    ]
    rejected.stream.rejection_details = {
        "image_landmarks": "the hips are elsewhere",
        "malformed_frame": "none",
    }
    assert rejected.faults(2)[1] == (
        "3 frames were rejected: 2 too_many_frames, 1 image_landmarks (the hips are elsewhere)."
    )


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, "2 repetitions were counted, 3 performed."),
        (
            {"events": COMPLETIONS[:1]},
            "The stream gave 1 events, the API has 2: they are not the same.",
        ),
        ({"record": record(90, "failed")}, "The stream ended completed, the record is failed."),
        (
            {"record": record(90, squats=3)},
            "The API has the events of {'squat': 2}; the stream counted {'squat': 2}, "
            "the record says {'squat': 3}.",
        ),
        ({"frames_sent": 91}, "91 frames were sent; the stream accepted 90, the record says 90."),
    ],
)
def test_a_difference_is_told(changed: dict[str, Any], fault: str) -> None:
    assert run(**changed).faults(2 if changed else 3) == [fault]
