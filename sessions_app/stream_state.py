"""The state of a session's stream, with its summary: what an attach, or the finish, goes on from.

It is compressed JSON in `packed_state`, for each checkpoint writes all of it to the WAL: most of
its bytes are digits. Once a session has ended its summary is a column. Code of the release before
stores the state as one JSON object in `engine_state`. Where that is there, it is the newer one:
what is stored as bytes empties it.
"""

import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

from sessions_app.models import DetectionSession

# They are large, and only an engine can read them.
STATE_COLUMNS: Final = ("packed_state", "engine_state")
# The customer's own, which no stream reads.
LABELS: Final = ("subject", "metadata")
SUMMARY: Final = Coalesce(KeyTransform("summary", "engine_state"), "summary")
# The state has no use after the end. What it showed by then has: `update_live` has stored it.
STATE_IS_DROPPED: Final[dict[str, object]] = {
    **dict.fromkeys(STATE_COLUMNS),
    "summary": SUMMARY,
}

# The first byte of a state that was packed with the dictionary, which no state of MessagePack has.
_PACKED: Final = b"\x01"
# A state of the catalogue's squat. What is stored was packed with it, so it never changes: a new
# dictionary is a file of its own, with a first byte of its own.
_DICTIONARY: Final = (Path(__file__).parent / "state_dictionary.json").read_bytes()
# A window of 8 KiB takes the dictionary and a state. Digits are literals: few repeat.
_WINDOW: Final = -13
_LEVEL: Final = 6

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_message_pack = msgspec.msgpack.Decoder(dict[str, Any]).decode


def pack(state: dict[str, Any]) -> bytes:
    """The bytes of a state of JSON values."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, 9, zlib.Z_FILTERED, _DICTIONARY)
    return _PACKED + packer.compress(_encode(state)) + packer.flush()


def unpack(packed: bytes) -> dict[str, Any]:
    """The state of such bytes, or of those before them. Raises DecodeError, or zlib.error."""
    if not packed.startswith(_PACKED):
        return _decode_message_pack(packed)
    return _decode(zlib.decompressobj(_WINDOW, _DICTIONARY).decompress(packed[1:]))


def stored_state(session: DetectionSession) -> dict[str, Any]:
    """The state that the last checkpoint stored; empty before the first.

    Raises msgspec.DecodeError or zlib.error where it is damaged.
    """
    if session.engine_state is not None or session.packed_state is None:
        return cast("dict[str, Any]", session.engine_state or {})
    return unpack(bytes(session.packed_state))


def stored_summary(session: DetectionSession, state: dict[str, Any]) -> dict[str, Any]:
    """The summary of a session that has this `state`."""
    summary: dict[str, Any] = state.get("summary") or session.summary or {}
    return summary


def summary_in(packed: bytes) -> dict[str, Any] | None:
    """The summary of a state, also where its engine can't be read; None if it has none."""
    with suppress(msgspec.DecodeError, zlib.error):
        return unpack(packed).get("summary")
    return None


def summary_of(session: DetectionSession) -> dict[str, Any] | None:
    """What a session's frames showed; of one that streams, if its state was read with it."""
    if "packed_state" not in session.get_deferred_fields() and session.packed_state is not None:
        return summary_in(bytes(session.packed_state)) or session.summary
    return session.summary
