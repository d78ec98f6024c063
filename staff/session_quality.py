"""How much of a session could be counted, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sessions_app.quality import DOUBTED_BELOW, QualityReason, quality_of, shares_of

WORDS: Final[Mapping[QualityReason, str]] = {
    QualityReason.POSE_LOST: "of the time no pose came: nobody was found, or frames were missing.",
    QualityReason.POSE_JUMPING: "of the time the landmarks jumped, and the person was lost.",
    QualityReason.SIDE_HIDDEN: (
        "of the time an angle that carries the movement was not seen: hidden, out of the picture, "
        "or of the front side before a side had led."
    ),
    QualityReason.OUT_OF_VIEW: (
        "of the time the camera did not see the person from where the movement shows, or not whole."
    ),
    QualityReason.INCOMPLETE_MOVEMENTS: (
        "of the movement completed no repetition: too short a way, broken off, or something else."
    ),
}


def facts(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What could be counted, was seen and was completed, as (name, value, what is asked for)."""
    quality = quality_of({"quality": state})
    if quality is not None:
        asked = f"the count is doubted below {DOUBTED_BELOW:.0%}"
        yield "Could be counted", f"{quality.countable_share:.0%}", asked
        yield "Seen", f"{quality.seen_share:.0%}", "the movement was in sight"
        yield "Completed", f"{quality.completed_share:.0%}", "the movement made repetitions"


def reasons(state: Mapping[str, Any]) -> Iterator[str]:
    """What kept the rest from it, where the count is doubted."""
    quality, shares = quality_of({"quality": state}), shares_of(state)
    if quality is None or shares is None or quality.countable_share >= DOUBTED_BELOW:
        return
    for reason in quality.reasons:
        yield f"{shares[reason]:.0%} {WORDS[reason]}"
