"""Whether two phases can hold at once.

They can when some pose satisfies every criterion of both: for each joint a left and a right angle
from 0 to 180, and for the legs and for the arms a choice of which side is the front one. Joints
are taken to be free of each other. A criterion without a side, on one angle for the pair, is taken
to speak for both sides: a pose that meets it by one bent and one straight side is left out.
"""

from detection.spec import Criterion, Joint, Phase

ARM_JOINTS: tuple[Joint, ...] = ("shoulder", "elbow", "wrist")
LEG_JOINTS: tuple[Joint, ...] = ("hip", "knee", "ankle")

_Band = tuple[float, float]


def can_hold_at_once(one: Phase, other: Phase) -> bool:
    criteria = one.criteria + other.criteria
    return all(
        any(_limb_can_satisfy(criteria, limb, front) for front in ("left", "right"))
        for limb in (ARM_JOINTS, LEG_JOINTS)
    )


def _limb_can_satisfy(criteria: tuple[Criterion, ...], limb: tuple[Joint, ...], front: str) -> bool:
    return all(
        _joint_can_satisfy([c for c in criteria if c.joint == joint], front) for joint in limb
    )


def _joint_can_satisfy(criteria: list[Criterion], front: str) -> bool:
    left: list[_Band] = [(0.0, 180.0)]
    right: list[_Band] = [(0.0, 180.0)]
    either: list[_Band] = []
    for criterion in criteria:
        band = (criterion.angle_min, criterion.angle_max)
        match criterion.side:
            case "either":
                either.append(band)
            case "both" | None:
                left.append(band)
                right.append(band)
            case "front" | "back" as end:
                (left if (end == "front") == (front == "left") else right).append(band)
            case "left":
                left.append(band)
            case "right":
                right.append(band)
    return _have_angles(left, right, either)


def _have_angles(left: list[_Band], right: list[_Band], either: list[_Band]) -> bool:
    """Whether a left and a right angle lie in all their own bands, and one of them in each of
    `either`. Bands that meet at all meet at the lower end of one, so only those are tried."""
    for angle, _ in left + either:
        if not _lies_in_all(angle, left):
            continue
        left_to_right = [band for band in either if not _lies_in_all(angle, [band])]
        if _meet(right + left_to_right):
            return True
    return False


def _lies_in_all(angle: float, bands: list[_Band]) -> bool:
    return all(low <= angle <= high for low, high in bands)


def _meet(bands: list[_Band]) -> bool:
    return max(low for low, _ in bands) <= min(high for _, high in bands)
