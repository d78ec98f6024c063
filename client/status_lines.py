"""The status lines of a client, for people."""

from collections.abc import Mapping


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def rejected(rejections: Mapping[str, int], details: Mapping[str, str]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 malformed_frame (frame_seq is required).`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    told = {reason: f" ({detail})" for reason, detail in details.items()}
    reasons = ", ".join(f"{count} {name}{told.get(name, '')}" for name, count in rejections.items())
    return f"{were} rejected: {reasons}."
