"""The state of a session's stream, with its summary, from which an attach or the finish continues.

It is compressed JSON in `packed_state`; after the end only the summary is kept, as a column. The
release before stores the state as a JSON object in `engine_state`. If that is set it is newer:
storing bytes clears it.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

from sessions_app.models import DetectionSession

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

# They are large, and only an engine can read them.
STATE_COLUMNS: Final = ("packed_state", "engine_state")
# The customer's own, which no stream reads.
LABELS: Final = ("subject", "metadata")
SUMMARY: Final = Coalesce(KeyTransform("summary", "engine_state"), "summary")

# A state is read by the dictionary that packed it, which its frame names. So the dictionary of a
# release never changes, and a new one is a file beside it (dev/tools/state_dictionary.py).
_DICTIONARY: Final = zstd.ZstdDict(Path(__file__).with_name("state.dictionary").read_bytes())
# Level 7 saves 2 bytes of a hundred, for four times the time.
_PACKER: Final = zstd.ZstdCompressor(
    zstd_dict=_DICTIONARY,
    options={
        zstd.CompressionParameter.compression_level: 3,
        zstd.CompressionParameter.checksum_flag: True,
    },
)

as_json = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def pack(state: dict[str, Any]) -> bytes:
    """The bytes of a state of JSON values."""
    return _PACKER.compress(as_json(state), zstd.ZstdCompressor.FLUSH_FRAME)


def unpack(packed: bytes) -> dict[str, Any]:
    """The state of such bytes. Raises zstd.ZstdError where they are damaged."""
    return _decode(zstd.decompress(packed, zstd_dict=_DICTIONARY))


def stored_state(session: DetectionSession) -> dict[str, Any]:
    """The state that the last checkpoint stored; empty before the first. Raises as `unpack`."""
    if session.engine_state is not None or session.packed_state is None:
        return cast("dict[str, Any]", session.engine_state or {})
    return unpack(bytes(session.packed_state))


def stored_summary(session: DetectionSession, state: dict[str, Any]) -> dict[str, Any]:
    """The summary of a session that has this `state`."""
    summary: dict[str, Any] = state.get("summary") or session.summary or {}
    return summary


def summary_in(packed: bytes) -> dict[str, Any] | None:
    """The summary of a state, also where its engine can't be read; None if it has none."""
    with suppress(zstd.ZstdError):
        return unpack(packed).get("summary")
    return None


def summary_of(session: DetectionSession) -> dict[str, Any] | None:
    """The summary of a session's frames; while it streams, only if its state was loaded."""
    if "packed_state" not in session.get_deferred_fields() and session.packed_state is not None:
        return summary_in(bytes(session.packed_state)) or session.summary
    return session.summary
