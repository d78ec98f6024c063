"""The exercises that the figure performs: each the way from one posture to another and back."""

from dataclasses import dataclass

from poses.figure.body import Limb, Posture, alike


@dataclass(frozen=True, slots=True)
class Movement:
    """`turned` is the turn to the camera in which the exercise is usually filmed; `stance` tells
    a person how to begin it."""

    turned: float
    rest: Posture
    peak: Posture
    stance: str = "Stand"
    # The second repetition, fourth, and so on, with left and right exchanged.
    alternates: bool = False


STANDING = Posture()
SITTING = alike(5, Limb(85, 0), Limb(20, 50, 5))
_PRONE = Limb(-76, -76)
_BENT_UP = Limb(135, 45)
# Lying on a bench, with the feet on the floor.
_ON_BENCH = Limb(75, -15)
MOVEMENTS = {
    "bench-press": Movement(
        20,
        alike(-90, _ON_BENCH, Limb(0, 0, 170)),
        alike(-90, _ON_BENCH, Limb(35, 0, 80, 175)),
        "Lie on the bench",
    ),
    "biceps-curl": Movement(30, STANDING, alike(0, Limb(), Limb(10, 145, 5))),
    "front-raise": Movement(
        30, alike(0, Limb(), Limb(5, 10, 5)), alike(0, Limb(), Limb(90, 95, 5))
    ),
    "jumping-jack": Movement(
        90,
        alike(0, Limb(0, 0, 3), Limb(0, 5, 10)),
        alike(0, Limb(0, 0, 25), Limb(0, 5, 160)),
    ),
    "lateral-raise": Movement(
        90, alike(0, Limb(), Limb(0, 5, 12)), alike(0, Limb(), Limb(0, 5, 92))
    ),
    "lunge": Movement(
        15,
        STANDING,
        Posture(lean=5, left_leg=Limb(80, -5), right_leg=Limb(-20, -100)),
        alternates=True,
    ),
    "pull-up": Movement(
        60,
        alike(0, Limb(0, -10), Limb(0, 0, 165)),
        alike(-10, Limb(10, -40), Limb(30, 0, 40, 170)),
        "Hang from the bar",
    ),
    "push-up": Movement(
        10,
        alike(76, _PRONE, Limb(5, -5), foot=-80),
        # The elbows go outward as well as back; the hands stay below the shoulders.
        alike(76, _PRONE, Limb(-45, 40, 40, -40), foot=-80),
        "Get down on the floor",
    ),
    "rope-pushdown": Movement(
        20,
        alike(5, Limb(), Limb(10, 120, 5)),
        alike(5, Limb(), Limb(8, 15, 5)),
        "Stand at the cable",
    ),
    "sit-to-stand": Movement(20, SITTING, STANDING, "Sit on a chair"),
    "sit-up": Movement(
        10,
        alike(-85, _BENT_UP, Limb(-60, 0)),
        alike(15, _BENT_UP, Limb(60, 90)),
        "Lie down",
    ),
    "squat": Movement(20, STANDING, alike(40, Limb(95, -30), Limb(80, 85, 5))),
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)
