"""What a client may send, and what becomes of everything else."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_frames import FAULTS, FRAME, NAN, batch_text, changed, decoded, read, text_of

from realtime.messages import (
    MAX_MESSAGE_BYTES,
    Cancel,
    Error,
    Finalize,
    FrameBatch,
    Ping,
    Pong,
    decode,
    encode,
)
from realtime.refusals import BatchTooLarge, MessageInvalid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "finalize"}', Finalize()),
        ('{"type": "cancel", "reason": null}', Cancel()),
        ('{"type": "ping", "x": "\\ud800", "\\uDFFF": "\\\\ud800"}', Ping()),
        (' {"sent": 1.5, "type": "ping"}\n', Ping()),
        ('{"type": "pong", "type2": []}', Pong()),
        ('{"type": "frame_batch", "batch_seq": 3, "frames": []}', FrameBatch(3, [])),
        ('{"frames": [], "x": {}, "batch_seq": 1, "type": "frame_batch"}', FrameBatch(1, [])),
        (
            '{"type": "frame_batch", "batch_seq": 9007199254740992, "frames": []}',
            FrameBatch(2**53, []),
        ),
        (
            '{"type": "frame_batch", "batch_seq": 1, "frames": [0], "x": NaN}',
            FrameBatch(1, [msgspec.Raw(b"0")]),
        ),
    ],
)
def test_unknown_fields_are_ignored(text: str, message: object) -> None:
    assert decode(text) == message


NOT_MESSAGES = [
    *("", " ", "{", "{}", "[]", "null", "1", "NaN", '"ping"', "ping", "\x00", "\ufeff{}"),
    *('{"type": "ping"', '{"type": "ping"} x', "{'type': 'ping'}", '{"type": "frame_ack"}'),
    *('{"type": ping}', '{"type": "ping",}', '[{"type": "ping"}]', '{"type": null}'),
    *('{"type": ["ping"]}', '{"type": "Ping"}', '{"kind": "ping"}', '{"type": "\\ud800"}'),
    *('{"\\ud800": 1}', '{"type": "ping", "x": \\ud800}', '{"type": "ping", "x": "\ud800"}'),
    *('{"type": "frame_batch", "batch_seq": 1}', '{"type": "frame_batch", "frames": []}'),
    *(
        f'{{"type": "frame_batch", "batch_seq": {seq}, "frames": []}}'
        for seq in ("0", "1.0", "1e2", "true", "null", '"1"', "NaN", "9007199254740993", "01", "")
    ),
    *(
        f'{{"type": "frame_batch", "batch_seq": 1, "frames": {frames}}}'
        for frames in ("null", "{}", '"[]"', "NaN", "[", "[1,]", "[nan]", "[+1]")
    ),
    *(
        f'{{"type": "frame_batch", "batch_seq": 1, "frames": {frames}, "clock_ms": {clock}}}'
        for frames, clock in (
            ("[]", "NaN"), ("[NaN]", "-Infinity"), ("[]", "1e999"), ("[NaN]", "1" + "0" * 400),
            ("[]", "true"), ("[NaN]", '"1"'), ("[]", "[1]"), ("[NaN]", "01"), ("[]", ""),
        )
    ),
    "[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000,
    '{"type": "ping", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"type": "ping", "type": "' + "a" * 1_000_000 + '"}',
    "9" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("text", [pytest.param(text, id=ascii(text)[:60]) for text in NOT_MESSAGES])
def test_anything_else_is_a_bad_message_and_told_in_few_words(text: str) -> None:
    with pytest.raises(MessageInvalid) as raised:
        decode(text)
    assert len(encode(Error(raised.value.body().error)).encode()) < 1000


@pytest.mark.parametrize(
    ("clock", "clock_ms"),
    [
        *(("0", 0), ("-5.5", -5.5), ("2040", 2040), ("1e300", 1e300), (str(2**70), 2.0**70)),
        *(("5e-324", 5e-324), ("null", None)),
    ],
)
def test_a_batch_may_tell_a_clock(clock: str, clock_ms: float | None) -> None:
    frames = json.dumps([FRAME])
    told = '{"type": "frame_batch", "batch_seq": 3, "clock_ms": CLOCK, "frames": FRAMES}'
    told = told.replace("CLOCK", clock)
    for text in (
        told.replace("FRAMES", "[]"),
        told.replace("FRAMES", frames),
        # Taken apart for a fault inside a frame, and for what is no number.
        told.replace("FRAMES", "[{}]"),
        told.replace("FRAMES", "[NaN]"),
    ):
        message = decode(text)
        assert isinstance(message, FrameBatch)
        assert (message.batch_seq, message.clock_ms) == (3, clock_ms)
    assert decode(batch_text([])) == FrameBatch(1, [], None)


def test_300_frames_are_taken_and_301_are_too_many() -> None:
    reasons = decoded(batch_text([FRAME] * 150 + [None] * 150))
    assert reasons == [None] * 150 + ["malformed_frame"] * 150
    for frames in ([FRAME] * 301, [None] * 301, [NAN] * 301, [0] * 100_000):
        with pytest.raises(BatchTooLarge):
            decode(batch_text(frames))


@pytest.mark.parametrize(
    ("character", "make"),
    [
        ("a", lambda padding: f'{{"type": "ping", "x": "{padding}"}}'),
        ("é", lambda padding: f'{{"type": "{padding}"}}'),
        ("€", lambda padding: padding),
        ("😀", lambda padding: f'{{"type": "ping", "x": "{padding}"}}'),
    ],
)
def test_over_two_mebibytes_of_utf_8_a_message_is_too_large(
    character: str, make: Callable[[str], str]
) -> None:
    def text(size: int) -> str:
        room = size - len(make(""))
        count, rest = divmod(room, len(character.encode()))
        return make(character * count + "a" * rest)

    assert len(text(MAX_MESSAGE_BYTES).encode()) == 2 * 1024 * 1024
    with contextlib.suppress(MessageInvalid):
        decode(text(MAX_MESSAGE_BYTES))
    with pytest.raises(BatchTooLarge):
        decode(text(MAX_MESSAGE_BYTES + 1))


@pytest.mark.parametrize("depth", [10, 500, 100_000])
def test_a_frame_that_is_deep_is_rejected_or_the_message_is(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    try:
        taken = decoded(text_of(deep))
    except MessageInvalid:
        assert depth == 100_000
    else:
        assert taken == [None, "malformed_frame", None]


# --- Arbitrary input ------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
FAULTY_FRAME = st.builds(changed, st.sampled_from([path for path, _ in FAULTS]), JSON)
MESSAGE = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["frame_batch", "ping", "finalize"]) | JSON,
        "batch_seq": st.integers(1, 9) | JSON,
        "frames": st.lists(FAULTY_FRAME | JSON, max_size=3) | JSON,
    },
    optional={"more": JSON},
)


def is_answered(text: str) -> None:
    """Decoding gives a message with frames and rejections, or one of its two errors."""
    try:
        message = decode(text)
    except (MessageInvalid, BatchTooLarge) as error:
        json.loads(encode(Error(error.body().error)))
    else:
        assert not isinstance(message, FrameBatch) or len(read(message)) == len(message.frames)


@given(JSON | MESSAGE)
def test_any_json_is_a_message_or_one_of_the_two_errors(value: Any) -> None:
    is_answered(json.dumps(value))
    is_answered(json.dumps(value, ensure_ascii=False))


SHORT = batch_text([FRAME])[:600] + "}]}]}"


@given(st.integers(0, len(SHORT)), st.integers(0, 40), st.text(max_size=10))
@example(0, 0, "\ufeff")
def test_any_change_of_a_message_is_a_message_or_one_of_the_two_errors(
    at: int, removed: int, inserted: str
) -> None:
    is_answered(SHORT[:at] + inserted + SHORT[at + removed :])
