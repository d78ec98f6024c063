"""The frames of a session that were not taken, by the reason."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

REASONS: Final[Mapping[str, str]] = {
    "session_ending": "They came after the end had been asked for.",
    "malformed_frame": "A field of theirs was missing or wrong.",
    "unsupported_pose_schema": "They were of another pose schema.",
    "invalid_landmarks": "They had not the 33 landmarks.",
    "image_landmarks": "They had image landmarks instead of world landmarks.",
    "frame_seq_not_increasing": "Their numbers were taken.",
    "timestamp_not_increasing": "Their timestamps did not increase.",
    "timestamp_beyond_session": "Their timestamps were beyond the longest session.",
    "too_many_frames": "They were too many for a second of their timestamps.",
}
REPEATED = "They were sent again, or numbered anew. Nothing was lost."
NOT_STORED = "The reason was not stored."


class Rejection(NamedTuple):
    frames: int
    why: str
    api_word: str = ""


def rejections(stored: Mapping[str, Any] | None, rejected_total: int) -> list[Rejection]:
    """The rejections that a stored summary has, the most frequent first; of `rejected_total` it may
    lack those of older code."""
    by_reason = Counter((stored or {}).get("rejected", {}))
    found = [
        Rejection(frames, REASONS.get(reason, reason.replace("_", " ").capitalize()), reason)
        for reason, frames in by_reason.most_common()
    ]
    if (missing := rejected_total - by_reason.total()) > 0:
        found.append(Rejection(missing, NOT_STORED))
    if repeated := (stored or {}).get("repeated"):
        found.append(Rejection(repeated, REPEATED))
    return found


def words_of(reason: str) -> str:
    """The reason within a sentence: `they had not the 33 landmarks`."""
    told = REASONS.get(reason, reason.replace("_", " ")).removesuffix(".")
    return told[:1].lower() + told[1:]
