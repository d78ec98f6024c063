"""The status lines of a client, for people."""

from collections.abc import Mapping, Sequence


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def late(seconds: float) -> str:
    return f"No answer for {seconds:g} s. Waiting …"


def rejected(rejections: Mapping[str, int], details: Mapping[str, str]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 malformed_frame (frame_seq is required).`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    told = {reason: f" ({detail})" for reason, detail in details.items()}
    reasons = ", ".join(f"{count} {name}{told.get(name, '')}" for name, count in rejections.items())
    return f"{were} rejected: {reasons}."


def missing(names: Sequence[str]) -> str:
    """`Nothing counts yet, for want of: left_heel, view.`"""
    return f"Nothing counts yet, for want of: {', '.join(names)}."


def attempts(reasons: Mapping[str, int]) -> str:
    """`2 attempts did not count: 1 not_reached, 1 pose_lost.`"""
    total = sum(reasons.values())
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{total} {'attempt' if total == 1 else 'attempts'} did not count: {told}."
