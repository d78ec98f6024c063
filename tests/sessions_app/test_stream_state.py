"""The bytes of stored states: what was packed once is read for good."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from dev.tools.state_dictionary import states
from sessions_app import stream_state
from sessions_app.stream_state import pack, summary_in, unpack

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
# As the code of a release stored it; today's, until there is one.
PACKED = bytes.fromhex(
    "28b52ffd67a0cf8f0628000d030093c4097becf136a90522c03e79d9888aa61635c949b92df3857e"
    "2a791bb314ca2b79cd7259d2b65cd50115fc29a7400c9e83fc67266f44d76730d865f539c121a0d4"
    "2a9840b39f1c05fdab09f692daa1b1d3201db0523a0724637b70af8d8fc2b616f40ff8"
)
DICTIONARY = "51626c301ad94769689e6eff6daa145f8ea9dbc14afff0b27db20d9e99c2dc90"


def test_a_dictionary_of_a_release_never_changes() -> None:
    stored = Path(stream_state.__file__).with_name("state.dictionary").read_bytes()
    assert sha256(stored).hexdigest() == DICTIONARY


def test_a_state_that_was_stored_is_read() -> None:
    assert unpack(PACKED) == STATE


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


@pytest.mark.long
def test_a_dictionary_is_trained_on_what_streams_store(tmp_path: Path) -> None:
    """As the stored one was, though by an engine that may have changed since."""
    file = tmp_path / "new.dictionary"
    command = [sys.executable, "-m", "dev.tools.state_dictionary", str(file)]
    subprocess.run(command, check=True, cwd=PROJECT, capture_output=True, timeout=300)
    trained = stream_state.zstd.ZstdDict(file.read_bytes())
    [*_, state] = states(PROJECT / "examples" / "movespecs" / "squat.yaml")
    with_it, without = (
        len(stream_state.zstd.compress(state, 3, zstd_dict=one)) for one in (trained, None)
    )
    assert len(pack(json.loads(state))) < 0.75 * without
    assert with_it < 0.75 * without
