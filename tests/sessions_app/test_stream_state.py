"""The bytes of stored states: what was packed once is read for good."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from local_stack.environment import PROJECT
from sessions_app import stream_state
from sessions_app.stream_state import pack, summary_in, unpack
from tools.state_dictionary import states

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
# As code of that day stored it.
PACKED = {
    "2026-11-30": "28b52ffd67fa437e3e2800ed0200c3430779e4f116af2f27d74bcf539ae2b8e48df89c7f126f1b66"
    "0e5aa215c9e516fc986991bf5f51d6c7ad673107af53d048bc2cd374c3e4a0170b1e8efe757b45dc"
    "c278da1cca7f9c690083ce2ab01b9c0fcb5166c27979c446dd311016f40ff8",
}
DICTIONARIES = {
    "state.dictionary": "82006835fd2322475d1760399342e5cdadb3eb1532ff553e2395c4cfd81291e0",
}


@pytest.mark.parametrize("name", DICTIONARIES)
def test_a_dictionary_never_changes(name: str) -> None:
    stored = (Path(stream_state.__file__).parent / name).read_bytes()
    assert sha256(stored).hexdigest() == DICTIONARIES[name]


@pytest.mark.parametrize("day", PACKED)
def test_a_state_that_was_stored_is_read(day: str) -> None:
    assert unpack(bytes.fromhex(PACKED[day])) == STATE


def test_a_state_is_read_as_it_was_packed() -> None:
    assert unpack(pack(STATE)) == STATE


def test_states_that_threads_pack_at_once_are_each_their_own() -> None:
    states = [{**STATE, "last_ms": number} for number in range(500)]
    with ThreadPoolExecutor(8) as threads:
        assert [unpack(packed) for packed in threads.map(pack, states)] == states


def test_a_damaged_state_is_an_error_that_its_readers_know() -> None:
    packed = pack(STATE)
    cut = [packed[:length] for length in range(4, len(packed))]
    flipped = [
        packed[:place] + bytes([packed[place] ^ 1 << bit]) + packed[place + 1 :]
        for place in range(4, len(packed))
        for bit in range(8)
    ]
    for damaged in cut:
        with pytest.raises(stream_state.zstd.ZstdError):
            unpack(damaged)
        assert summary_in(damaged) is None
    read = 0
    for damaged in flipped:
        with suppress(stream_state.zstd.ZstdError):
            assert unpack(damaged) == STATE
            read += 1
        assert summary_in(damaged) in (None, STATE["summary"])
    assert read < 3  # a bit of the frame's head says nothing


def test_a_dictionary_is_trained_on_what_streams_store(tmp_path: Path) -> None:
    """As the stored one was, though by an engine that may have changed since."""
    file = tmp_path / "new.dictionary"
    command = [sys.executable, "-m", "tools.state_dictionary", str(file)]
    subprocess.run(command, check=True, cwd=PROJECT, capture_output=True, timeout=300)
    trained = stream_state.zstd.ZstdDict(file.read_bytes())
    [*_, state] = states(PROJECT / "examples" / "movespecs" / "squat.yaml")
    with_it, without = (
        len(stream_state.zstd.compress(state, 3, zstd_dict=one)) for one in (trained, None)
    )
    assert len(pack(json.loads(state))) < 0.75 * without
    assert with_it < 0.75 * without
