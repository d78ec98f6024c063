"""What a frame may be: any other is rejected alone, with its reason."""

import copy
import json
import math
import random
from typing import Any

import msgspec
import pytest
from streaming import wire_frame

from detection import LANDMARK_NAMES
from dev.poses.figure import perform
from realtime.frames import Frame, Rejection, read_frame
from realtime.messages import (
    FrameBatch,
    decode,
)

POSE = perform("squat", repetitions=1, fps=10)[3]
FRAME = wire_frame(POSE, 7, source={"kind": "camera", "frame_width": 640, "frame_height": 480})
FRAME["landmarks"][8]["presence"] = 0.5
NAN, INFINITY = math.nan, math.inf
MISSING = "(missing)"
Steps = tuple[str | int, ...]


def changed(path: Steps, value: Any) -> dict[str, Any]:
    """FRAME with one value replaced, or left out where it is MISSING."""
    frame = copy.deepcopy(FRAME)
    holder: Any = frame
    for step in path[:-1]:
        holder = holder[step]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return frame


def batch_text(frames: list[Any], batch_seq: Any = 1) -> str:
    return json.dumps({"type": "frame_batch", "batch_seq": batch_seq, "frames": frames})


def read(batch: FrameBatch) -> list[Frame | Rejection]:
    return [read_frame(bytes(one)) if isinstance(one, msgspec.Raw) else one for one in batch.frames]


def decoded(text: str) -> list[str | None]:
    """For each frame of a batch why it was rejected, or None."""
    message = decode(text)
    assert isinstance(message, FrameBatch)
    return [frame.reason if isinstance(frame, Rejection) else None for frame in read(message)]


def text_of(raw_json: str) -> str:
    """A batch of a good frame, one with `raw_json` as its timestamp, and another good one."""
    good, bad = json.dumps(FRAME), json.dumps(changed(("timestamp_ms",), "HERE"))
    frames = f"[{good}, {bad.replace(json.dumps('HERE'), raw_json)}, {good}]"
    return f'{{"type": "frame_batch", "batch_seq": 1, "frames": {frames}}}'


# --- One frame at fault ---------------------------------------------------------------------

SCHEMA = "mediapipe_pose_landmarker/v1"
LANDMARKS = FRAME["landmarks"]
NUMBER: list[Any] = [None, True, "1", [], {}, [1.0], NAN, INFINITY, -INFINITY, MISSING, 10**400]
FAULTS: list[tuple[Steps, list[Any]]] = [
    (("timestamp_ms",), NUMBER),
    (("confidence",), [-0.0001, 1.0001, MISSING]),
    (("pose_schema",), ["", "mediapipe_pose_landmarker/v2", SCHEMA.upper(), None, 1, MISSING]),
    (("frame_seq",), [0, -1, 2**53 + 1, 2**64, 1.0, 1.5, True, MISSING]),
    (("landmarks",), [{}, "landmarks", LANDMARKS[:32], LANDMARKS * 2, NAN, MISSING]),
    (("landmarks", 5), [[], "nose", None]),
    (("landmarks", 5, "name"), ["Nose", "right_eye_inner\u0000", 1, MISSING]),
    (("landmarks", 0, "x"), ["1", INFINITY]),
    (("landmarks", 32, "y"), [True, MISSING]),
    (("landmarks", 16, "z"), [None, NAN]),
    (("landmarks", 8, "visibility"), [-0.0001, "1"]),
    (("landmarks", 8, "presence"), [1.0001, NAN]),
    (("source",), ["camera", {"kind": "camera"}, [], INFINITY]),
    (("source", "kind"), ["film", None]),
    (("source", "frame_width"), [0, 640.0]),
    (("source", "frame_height"), [-1, "480"]),
]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(path, value, id=f"{'.'.join(map(str, path))}={str(value)[:30]}")
        for path, values in FAULTS
        for value in values
    ],
)
def test_a_fault_in_a_frame_rejects_that_frame_alone(path: Steps, value: Any) -> None:
    reason = "invalid_landmarks" if path[0] == "landmarks" else "malformed_frame"
    if path == ("pose_schema",) and isinstance(value, str) and value is not MISSING:
        reason = "unsupported_pose_schema"
    assert decoded(batch_text([FRAME, changed(path, value), FRAME])) == [None, reason, None]


@pytest.mark.parametrize(
    "raw",
    [
        *("1e999", "1" + "0" * 400, "NaN", "-Infinity", "\nNaN\t"),
        *('"\\ud800"', '{"\\udc00": 1}', '"NaN"', '{"a": Infinity}'),
    ],
)
def test_a_number_that_is_none_rejects_its_frame_alone(raw: str) -> None:
    assert decoded(text_of(raw)) == [None, "malformed_frame", None]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timestamp_ms",), 1e300),
        (("frame_seq",), 2**53),
        (("source",), None),
        (("source", "codec"), "h264"),
        (("landmarks", 3, "visibility"), None),
        (("landmarks", 3, "x"), -1e308),
        (("landmarks", 3, "unknown"), {"deep": [[[{}]]]}),
        (("unknown",), "a: NaN, b: -Infinity"),
        (("unknown",), "\ud800, \udc00\ud800 and 😀"),
    ],
)
def test_a_frame_may_have(path: Steps, value: Any) -> None:
    assert decoded(batch_text([changed(path, value)])) == [None]


def test_landmarks_may_come_in_any_order_and_reach_the_engine_in_the_canonical_one() -> None:
    shuffled = list(FRAME["landmarks"])
    random.Random(3).shuffle(shuffled)  # noqa: S311
    message = decode(batch_text([changed(("landmarks",), shuffled), FRAME]))
    assert isinstance(message, FrameBatch)
    for frame in read(message):
        assert isinstance(frame, Frame)
        assert [landmark.name for landmark in frame.landmarks] == list(LANDMARK_NAMES)
        assert [(point.x, point.y, point.z) for point in frame.landmarks] == [
            tuple(point[:3]) for point in POSE.landmarks
        ]


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"frame_seq": 0, "pose_schema": "coco/v1", "landmarks": []}, "malformed_frame"),
        ({"pose_schema": "coco/v1", "landmarks": NAN}, "unsupported_pose_schema"),
        ({"landmarks": [{**one, "x": 0.5} for one in LANDMARKS[1:]]}, "invalid_landmarks"),
    ],
)
def test_of_several_faults_the_first_of_the_list_is_told(
    faults: dict[str, Any], reason: str
) -> None:
    """Wherever each of them stands in the frame."""
    for frame in (
        {**FRAME, **faults},
        {**faults, **{k: FRAME[k] for k in FRAME if k not in faults}},
    ):
        assert decoded(batch_text([FRAME, frame])) == [None, reason]


@pytest.mark.parametrize(
    ("path", "value", "detail"),
    [
        (("timestamp_ms",), MISSING, "Object missing required field `timestamp_ms`"),
        (("confidence",), 2, "Expected `float` <= 1.0 - at `$.confidence`"),
        (("landmarks", 3, "x"), "1", "Expected `float`, got `str` - at `$.landmarks[3].x`"),
        (
            ("landmarks", 3, "x"),
            NAN,
            "Expected `float`, got an object, NaN or Infinity - at `$.landmarks[3].x`",
        ),
    ],
)
def test_a_detail_names_the_field_and_its_fault(path: Steps, value: Any, detail: str) -> None:
    message = decode(batch_text([changed(path, value)]))
    assert isinstance(message, FrameBatch)
    [rejection] = read(message)
    assert isinstance(rejection, Rejection)
    assert rejection.detail == detail


# --- World landmarks ------------------------------------------------------------------------

HIPS = (23, 24)
MAX_DOUBLE = 1.7976931348623157e308


def with_hips(*at: tuple[float, float]) -> dict[str, Any]:
    """FRAME with its left and right hip at these x and y."""
    frame = copy.deepcopy(FRAME)
    for index, (x, y) in zip(HIPS, at, strict=True):
        assert frame["landmarks"][index]["name"].endswith("_hip")
        frame["landmarks"][index] |= {"x": x, "y": y}
    return frame


@pytest.mark.parametrize(
    ("hips", "reason"),
    [
        ([(0.3, 0.3), (0.3, -0.3)], None),
        ([(5, -7), (-5, 7)], None),
        ([(0.301, 0), (0.3, 0)], "image_landmarks"),
        ([(0, -0.301), (0, -0.3)], "image_landmarks"),
        ([(MAX_DOUBLE, 0), (-MAX_DOUBLE, 0)], None),
    ],
)
def test_the_middle_of_the_hips_is_within_30_centimetres_of_the_origin(
    hips: list[tuple[float, float]], reason: str | None
) -> None:
    frame = with_hips(*hips)
    assert decoded(batch_text([FRAME, frame])) == [None, reason]
    frame["landmarks"].reverse()
    assert decoded(batch_text([frame, FRAME])) == [reason, None]
