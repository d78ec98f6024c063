"""The quality of a session: how much of it could be counted, and what kept the rest from it.

docs/engine.md has the formula, docs/accuracy.md on how many people left out it was right.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

# A reason that took less than this share of a session is not named.
LEAST_NAMED: Final = 0.05
# Below this a count is off by more than one about as often as not.
DOUBTED_BELOW: Final = 0.87


class QualityReason(StrEnum):
    """Why a part of a session could not be counted."""

    POSE_LOST = "pose_lost"
    POSE_JUMPING = "pose_jumping"
    SIDE_HIDDEN = "side_hidden"
    INCOMPLETE_MOVEMENTS = "incomplete_movements"


class Quality(msgspec.Struct):
    """How much of a session could be counted. Below 0.87, doubt the count."""

    countable_share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="The share of the time in which the movement was seen, times the share of"
            " the movement that repetitions account for; rounded to two decimals.",
        ),
    ]
    reasons: Annotated[
        list[QualityReason],
        msgspec.Meta(
            description=f"What took at least {LEAST_NAMED} of it: the greatest share first."
        ),
    ]


def quality_of(summary: Mapping[str, Any] | None) -> Quality | None:
    """The quality that a session's stored summary tells. None where it has none, as of a session
    without two frames, or one that older code ran."""
    shares = shares_of((summary or {}).get("quality", {}))
    if shares is None:
        return None
    incomplete = shares[QualityReason.INCOMPLETE_MOVEMENTS]
    unseen = sum(shares.values()) - incomplete
    named = [reason for reason in QualityReason if shares[reason] >= LEAST_NAMED]
    named.sort(key=lambda reason: -shares[reason])
    return Quality(round((1.0 - unseen) * (1.0 - incomplete), 2), named)


def shares_of(state: Mapping[str, Any]) -> dict[QualityReason, float] | None:
    """The share that each reason took, of the time or of the movement, by the state of a
    `realtime.session_quality.SessionQuality`. None where no time has passed."""
    time_ms = state.get("time_ms", 0.0)
    if not time_ms:
        return None
    shares = {reason: state["unseen_ms"].get(reason, 0.0) / time_ms for reason in QualityReason}
    moved, uncounted = state["moved"], state["uncounted"]
    for _, _, _, gone, least, most in state["paths"]:
        moved += gone
        # Behind the last completion, one way.
        uncounted += max(0, gone - max(0, most - least))
    if state["completions"]:
        # A count may be off by one: a whole repetition may be missing.
        uncounted -= state["counted"] / state["completions"]
    shares[QualityReason.INCOMPLETE_MOVEMENTS] = max(0.0, uncounted) / moved if moved else 0.0
    return shares
