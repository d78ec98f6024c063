"""The state of a session's stream: what an attach, or the finish, goes on from.

It is MessagePack in `packed_state`, and its summary a column beside it. Code of the release before
stores both as one JSON object in `engine_state`. Where that is there, it is the newer one: what is
stored as MessagePack empties it.
"""

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
# The state has no use after the end. What it showed by then has.
STATE_IS_DROPPED: Final[dict[str, object]] = {
    **dict.fromkeys(STATE_COLUMNS),
    "summary": SUMMARY,
}

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(dict[str, Any]).decode


def stored_state(session: DetectionSession) -> dict[str, Any]:
    """The state that the last checkpoint stored; empty before the first.

    Raises msgspec.DecodeError where it is damaged.
    """
    if session.engine_state is not None or session.packed_state is None:
        return cast("dict[str, Any]", session.engine_state or {})
    return unpack(session.packed_state)


def stored_summary(session: DetectionSession, state: dict[str, Any]) -> dict[str, Any]:
    """The summary of a session that has this `state`."""
    summary: dict[str, Any] = state.get("summary") or session.summary or {}
    return summary
