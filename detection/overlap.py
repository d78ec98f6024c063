"""The overlap of two phases: whether they can hold at once.

They can when some pose satisfies every criterion of both: for each joint and each lean a left and a
right angle from 0 to 180, and for the legs and for the arms a choice of which side is the front
one. Joints and leans are taken to be free of each other. A criterion without a side is on one angle
of the pair. It lies between the left and the right one, at a place that depends on the camera.
"""

from math import inf

from detection.spec import ARM_MEASURES, LEG_MEASURES, Criterion, Measure, Phase, Side

_Band = tuple[float, float]


def can_hold_at_once(one: Phase, other: Phase) -> bool:
    criteria = one.criteria + other.criteria
    return all(
        any(_can_be_met(criteria, measures, front) for front in ("left", "right"))
        for measures in (ARM_MEASURES, LEG_MEASURES, ("trunk",))
    )


def _can_be_met(criteria: tuple[Criterion, ...], measures: tuple[Measure, ...], front: str) -> bool:
    return all(
        _have_angles([c for c in criteria if c.measure == measure], front) for measure in measures
    )


def _have_angles(criteria: list[Criterion], front: str) -> bool:
    """Whether there are a left, a right and a pair's angle for the criteria of one measure."""
    left: list[_Band] = [(0.0, 180.0)]
    right: list[_Band] = [(0.0, 180.0)]
    either: list[_Band] = []
    pair: list[_Band] = []
    in_front, behind = (left, right) if front == "left" else (right, left)
    bands_of: dict[Side | None, list[list[_Band]]] = {
        None: [pair],
        "either": [either],
        "both": [left, right],
        "left": [left],
        "right": [right],
        "front": [in_front],
        "back": [behind],
    }
    for criterion in criteria:
        for bands in bands_of[criterion.side]:
            bands.append((criterion.minimum, criterion.maximum))
    # Where there is a left angle at all, one of those at which a band begins or ends will do.
    return any(
        _has_right_angle(
            angle, right + [band for band in either if not _lies_in(angle, band)], pair
        )
        for band in left + either
        for angle in band
        if all(_lies_in(angle, band) for band in left)
    )


def _has_right_angle(left_angle: float, right: list[_Band], pair: list[_Band]) -> bool:
    """Whether a right angle lies in all its bands, and one between it and the left one in all of
    the pair's."""
    low, high = _common(right)
    pair_low, pair_high = _common(pair)
    return (
        low <= high
        and pair_low <= pair_high
        and min(left_angle, low) <= pair_high
        and max(left_angle, high) >= pair_low
    )


def _lies_in(angle: float, band: _Band) -> bool:
    return band[0] <= angle <= band[1]


def _common(bands: list[_Band]) -> _Band:
    return (
        max((low for low, _ in bands), default=-inf),
        min((high for _, high in bands), default=inf),
    )
