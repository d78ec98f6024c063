"""The bytes of stored states: what was packed once is read for good."""

from hashlib import sha256

from sessions_app import stream_state
from sessions_app.stream_state import pack, unpack

STATE = {
    "engine": {
        "form": 5,
        "last_ms": 10466.666666666666,
        "usable_ms": 9000.5,
        "parts": [
            [0.4148068968399867, 0.07112893223928853, 0.0],
            [129.13803403170334, 0.25, 1.0, 142.2016, None, 0.0],
        ],
    },
    "first_ms": 0,
    "last_ms": 10466.7,
    "summary": {
        "usable": 314,
        "active_ms": 10466.7,
        "ranges": [[80.0, 170.5]],
        "steps": 2,
        "rejected": {},
    },
}
# As this code stored it on 2026-11-29.
PACKED = bytes.fromhex(
    "01aba6a4dd6c696060a0674a6e5b196ba3cfc814472b0f2d1b6338d21c251321f20d463e81a845e4130b033d"
    "031d43730394ac61849a1b6a6b01"
)


def test_the_dictionary_never_changes() -> None:
    assert sha256(stream_state._DICTIONARY).hexdigest() == (
        "3ac490fbec579234145fc6fac18a4601b9f9f813769b9082b9e770b0329d76d2"
    )


def test_a_state_that_was_stored_is_read() -> None:
    assert unpack(PACKED) == STATE
    assert unpack(pack(STATE)) == STATE
