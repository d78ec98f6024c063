"""The activities of the figure that are no exercise, as scripts of postures.

A script yields (seconds, posture) for ever: the posture, and the seconds of the way to it, or of
the stay in it if it is the same as before. Chance varies what a person would vary.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from dev.poses.figure.body import Limb, Posture, alike, mirrored

Step = tuple[float, Posture]
Script = Callable[[random.Random], Iterator[Step]]

STANDING = Posture()
SITTING = alike(5, Limb(85, 0), Limb(20, 50, 5))


def walking(chance: random.Random) -> Iterator[Step]:
    swing_through = Posture(lean=3, left_leg=Limb(3, -5), right_leg=Limb(15, -48))
    legs_apart = replace(swing_through, left_leg=Limb(25, 20), right_leg=Limb(-18, -35))
    heel_strike = replace(legs_apart, left_arm=Limb(-20, -5, 5), right_arm=Limb(20, 45, 5))
    steps = (heel_strike, swing_through, mirrored(heel_strike), mirrored(swing_through))
    while True:
        for posture in steps:
            yield 0.27, _varied(posture, chance, 3)


def sitting_down(chance: random.Random) -> Iterator[Step]:
    """Once, to stay on the chair."""
    yield 0, STANDING
    yield 4, STANDING
    # The knees go ahead of the feet, and the trunk leans over them.
    yield 1.0, replace(SITTING, lean=40, left_leg=Limb(50, -25), right_leg=Limb(50, -25))
    yield 0.8, SITTING
    while True:
        yield from _stay(SITTING, chance.uniform(3, 8), chance)
        reaching = replace(SITTING, lean=chance.uniform(-5, 25), right_arm=Limb(60, 80, 5))
        yield 1.0, _varied(reaching, chance, 5)
        yield 1.2, SITTING


def drinking(chance: random.Random) -> Iterator[Step]:
    """The hand to the mouth, left and right in turn."""
    cup_held = replace(STANDING, right_arm=Limb(10, 85, 5))
    at_the_mouth = replace(STANDING, lean=-3, right_arm=Limb(50, 195, 15, 30))
    yield 0, STANDING
    while True:
        for held, drunk in ((cup_held, at_the_mouth), map(mirrored, (cup_held, at_the_mouth))):
            yield 1.0, held
            yield from _stay(held, chance.uniform(1, 3), chance)
            yield 1.2, drunk
            yield from _stay(drunk, chance.uniform(1.5, 3), chance)
            yield 1.2, held
            yield from _stay(held, chance.uniform(1, 3), chance)
            yield 1.0, STANDING


def tying_a_shoe(chance: random.Random) -> Iterator[Step]:
    """Down on one knee, hands busy, up; the other shoe bent over, legs nearly straight."""
    kneeling = replace(alike(55, Limb(95, 5), Limb(25, 45, 3)), right_leg=Limb(5, -85))
    bent_over = replace(alike(100, Limb(20, -10), Limb(15, 25)), right_leg=Limb(15, -15))
    yield 0, STANDING
    while True:
        for down in (kneeling, mirrored(bent_over), mirrored(kneeling), bent_over):
            yield from _stay(STANDING, chance.uniform(3, 5), chance)
            yield chance.uniform(1.2, 1.8), down
            yield from _busy(down, chance.uniform(5, 8), chance)
            yield chance.uniform(1.2, 1.8), STANDING


def stretching(chance: random.Random) -> Iterator[Step]:
    """Arms overhead, a bend to each side, the toes touched, each slowly and held."""
    overhead = replace(STANDING, left_arm=Limb(170, 175), right_arm=Limb(170, 175))
    bend = replace(STANDING, tilt=30, left_arm=Limb(0, 5, -10), right_arm=Limb(0, 0, 165, 220))
    toes = alike(120, Limb(-8, -2), Limb(5, 8))
    yield 0, STANDING
    while True:
        for stretch in (overhead, bend, mirrored(bend), toes):
            yield from _stay(STANDING, chance.uniform(1, 3), chance)
            yield 2.5, stretch
            yield from _stay(stretch, chance.uniform(3, 5), chance)
            yield 2.5, STANDING


def idling(chance: random.Random) -> Iterator[Step]:
    """Standing: small sways, and the weight on one leg and the other."""
    on_one_leg = replace(STANDING, tilt=4, left_leg=Limb(0, 0, 4), right_leg=Limb(12, -8, 6))
    arms_folded = replace(STANDING, left_arm=Limb(20, 105, 8), right_arm=Limb(20, 105, 8))
    yield 0, STANDING
    while True:
        for posture in (STANDING, on_one_leg, arms_folded, mirrored(on_one_leg)):
            yield 1.0, _varied(posture, chance, 2)
            yield from _stay(posture, chance.uniform(3, 7), chance)


def resting(chance: random.Random) -> Iterator[Step]:
    """Between two sets: hands on the hips, bent over with hands above the knees, arms shaken."""
    on_hips = replace(STANDING, left_arm=Limb(-25, 60, 35, -20), right_arm=Limb(-25, 60, 35, -20))
    # Trunk, arms and thighs close a triangle.
    on_knees = alike(72, Limb(25, -10), Limb(-30, -40, 5))
    shaken = replace(STANDING, left_arm=Limb(10, 40, 15), right_arm=Limb(10, 40, 15))
    yield 0, STANDING
    while True:
        for posture in (on_hips, on_knees, STANDING, shaken):
            yield chance.uniform(0.8, 1.5), _varied(posture, chance, 3)
            yield from _stay(posture, chance.uniform(4, 10), chance)
            if posture is shaken:
                yield from _busy(posture, chance.uniform(1, 2), chance)
            yield chance.uniform(0.8, 1.5), _varied(STANDING, chance, 2)


def getting_up_and_down(chance: random.Random) -> Iterator[Step]:
    """Down to the floor over a knee, sitting, lying, and the same way up; a chair in between."""
    kneeling = Posture(lean=20, left_leg=Limb(90, 0), right_leg=Limb(0, -90))
    on_hands = alike(80, Limb(10, -80), Limb(80, 85))
    on_the_floor = replace(alike(5, Limb(110, 20), Limb(-30, -20, 10)), right_leg=Limb(100, 30))
    lying = replace(alike(-88, Limb(100, 80), Limb(-85, -85)), right_leg=Limb(95, 85))
    down = (kneeling, on_hands, on_the_floor, lying)
    yield 0, STANDING
    while True:
        yield from _stay(STANDING, chance.uniform(4, 8), chance)
        for posture in down:
            yield chance.uniform(0.8, 1.6), _varied(posture, chance, 3)
        yield from _stay(lying, chance.uniform(5, 10), chance)
        for posture in reversed(down[:-1]):
            yield chance.uniform(0.8, 1.6), _varied(posture, chance, 3)
        yield chance.uniform(0.8, 1.6), STANDING
        yield from _stay(STANDING, chance.uniform(4, 8), chance)
        yield chance.uniform(1.2, 2.0), SITTING
        yield from _stay(SITTING, chance.uniform(6, 12), chance)
        yield chance.uniform(1.2, 2.0), STANDING


def setting_up(chance: random.Random) -> Iterator[Step]:
    """A few steps, weights lifted from a bench and put down, a hand at the camera.

    Who lifts them from the floor with bent knees squats.
    """
    picking_up = alike(70, Limb(20, -8), Limb(20, 20, 5))
    carrying = replace(STANDING, left_arm=Limb(10, 60, 8), right_arm=Limb(10, 60, 8))
    at_the_camera = replace(STANDING, lean=15, right_arm=Limb(75, 85, 5))
    yield 0, STANDING
    while True:
        yield from islice(walking(chance), 8)
        yield 0.4, STANDING
        yield chance.uniform(1.0, 1.6), _varied(picking_up, chance, 4)
        yield from _busy(picking_up, chance.uniform(2, 4), chance)
        yield chance.uniform(1.0, 1.6), _varied(carrying, chance, 3)
        for _ in range(4):
            yield 0.5, _varied(carrying, chance, 4)
        yield chance.uniform(1.0, 1.6), _varied(picking_up, chance, 4)
        yield from _busy(picking_up, chance.uniform(1, 2), chance)
        yield chance.uniform(1.0, 1.6), STANDING
        yield from islice(walking(chance), 8)
        yield 0.8, _varied(at_the_camera, chance, 3)
        yield from _busy(at_the_camera, chance.uniform(2, 5), chance)
        yield 0.8, STANDING


ACTIVITIES: dict[str, Script] = {
    "resting": resting,
    "walking": walking,
    "getting up and down": getting_up_and_down,
    "sitting down": sitting_down,
    "drinking": drinking,
    "setting up": setting_up,
    "tying a shoe": tying_a_shoe,
    "stretching": stretching,
    "an idle minute": idling,
}


def _stay(posture: Posture, seconds: float, chance: random.Random) -> Iterator[Step]:
    """About a second at a time, a little differently each."""
    steps = max(round(seconds), 1)
    for _ in range(steps):
        yield seconds / steps, _varied(posture, chance, 1.5)


def _busy(posture: Posture, seconds: float, chance: random.Random) -> Iterator[Step]:
    """The same with the hands at work."""
    steps = max(round(seconds / 0.4), 1)
    for _ in range(steps):
        left, right = (
            replace(arm, lower=arm.lower + chance.gauss(0, 12))
            for arm in (posture.left_arm, posture.right_arm)
        )
        working = replace(posture, left_arm=left, right_arm=right)
        yield seconds / steps, _varied(working, chance, 1.5)


def _varied(posture: Posture, chance: random.Random, degrees: float) -> Posture:
    def vary(limb: Limb) -> Limb:
        upper, lower = (angle + chance.gauss(0, degrees) for angle in (limb.upper, limb.lower))
        return replace(limb, upper=upper, lower=lower)

    lean = posture.lean + chance.gauss(0, degrees)
    limbs = ("left_leg", "right_leg", "left_arm", "right_arm")
    varied: dict[str, Any] = {limb: vary(getattr(posture, limb)) for limb in limbs}
    return replace(posture, lean=lean, **varied)
