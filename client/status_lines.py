"""The status lines of a client, for people."""

from collections.abc import Mapping


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def rejected(rejections: Mapping[str, int]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 image_landmarks.`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    reasons = ", ".join(f"{count} {reason}" for reason, count in rejections.items())
    return f"{were} rejected: {reasons}."
