"""The landmarks of a body, or of a part of it, that a setup asks to see."""

from collections.abc import Iterable

from detection.landmarks import INDEX

_UPPER = ("shoulder", "elbow", "wrist", "hip")
_LOWER = ("hip", "knee", "ankle", "foot_index")


def _of_both_sides(parts: Iterable[str]) -> tuple[str, ...]:
    return in_order(f"{side}_{part}" for part in parts for side in ("left", "right"))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Each landmark once, in the canonical order."""
    return tuple(sorted(set(names), key=INDEX.__getitem__))


# What the measures of that part are made of. The nose is in it so that the head is in the image.
BODY_PARTS: dict[str, tuple[str, ...]] = {
    "full_body": ("nose", *_of_both_sides((*_UPPER, *_LOWER))),
    "upper_body": ("nose", *_of_both_sides(_UPPER)),
    "lower_body": _of_both_sides(_LOWER),
}
