"""Movement files: what is read, and what is told of a text that is none."""

import pytest
from poses_scene import degrees

from dev.poses.figure import (
    Camera,
    Limb,
    Movement,
    MovementInvalid,
    Posture,
    landmarks,
    read_movement,
)

TEXT = """\
name: arm raise
source: Lift both arms ahead, and let them down.
stance: Stand tall
camera: {turned: 25, noise_m: 0.002}
rest: 2
repetitions: 3
alternates: false
postures:
  - name: down
  - name: up
    lean: -3
    tilt: 1
    roll: 2
    foot: 0
    left_leg: {thigh: 10, knee: 170, aside: 4}
    right_leg: {thigh: 5, shank: -15, shank_aside: 6}
    left_arm: {upper_arm: 80, elbow: 160, aside: 7}
    right_arm: {upper_arm: 90}
keyframes:
  - {at: 0, posture: down}
  - {at: 0.5, posture: up}
  - {at: 1.5, posture: down}
variants:
  - {name: low, shallow: 0.3, fast: 2, still: right, view: back}
"""


def read(*changes: tuple[str, str]) -> Movement:
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return read_movement(text)


def faults(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(MovementInvalid) as caught:
        read(*changes)
    return [f"{one.line}:{one.column} {one.message}" for one in caught.value.issues]


def test_it_reads_every_part() -> None:
    movement = read()
    assert (movement.name, movement.stance) == ("arm raise", "Stand tall")
    assert movement.source == "Lift both arms ahead, and let them down."
    assert movement.camera() == Camera(turned=25, noise_m=0.002)
    assert (movement.repetitions, movement.seconds, movement.rest_seconds) == (3, 1.5, 2)
    assert movement.postures == {
        "down": Posture(),
        "up": Posture(
            lean=-3,
            tilt=1,
            roll=2,
            foot=0,
            left_leg=Limb(10, 0, 4),
            right_leg=Limb(5, -15, 0, 6),
            left_arm=Limb(80, 100, 7),
            right_arm=Limb(90, 90),
        ),
    }
    assert [(one.at, one.posture) for one in movement.keyframes] == [
        (0, "down"),
        (0.5, "up"),
        (1.5, "down"),
    ]
    low = movement.variants()["low"]
    assert (low.shallow, low.fast, low.still, low.turned) == (0.3, 2, "right", 270)


def test_what_is_not_said_has_a_default() -> None:
    lines = TEXT.splitlines(keepends=True)
    said = [line for line in lines[:-2] if not line.startswith(("st", "cam", "rest", "rep", "alt"))]
    movement = read_movement("".join(said))
    assert (movement.stance, movement.camera()) == ("Stand", Camera())
    assert (movement.repetitions, movement.rest_seconds) == (6, 1)
    assert (movement.alternates, movement.own_variants) == (False, ())


@pytest.mark.parametrize("angle", [60, 90, 175])
def test_a_knee_and_an_elbow_have_the_angle_told_however_they_are_turned(angle: int) -> None:
    movement = read(
        ("{thigh: 10, knee: 170, aside: 4}", f"{{thigh: 40, knee: {angle}, aside: 30}}"),
        ("{upper_arm: 80, elbow: 160, aside: 7}", f"{{upper_arm: 20, elbow: {angle}, aside: 70}}"),
    )
    pose = landmarks(movement.postures["up"], 30)
    assert degrees(pose, "left", "knee") == pytest.approx(angle)
    assert degrees(pose, "left", "elbow") == pytest.approx(angle)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("name: arm", "nmae: arm", '1:1 Unknown key "nmae"; the nearest known key is name.'),
        ("    lean: -3", "    lean: far", '11:11 lean must be a number, not the text "far".'),
        ("elbow: 160, ", "elbow: 160, forearm: 3, ", "17:52 Either elbow or forearm: each says"),
        ("    left_arm:", "    arms: {}\n    left_arm:", "18:15 Either arms, for both, or left_ar"),
        ("turned: 25,", "turned: 25, view: side,", "4:28 Either view or turned."),
        ("repetitions: 3", "repetitions: 2.5", "6:14 repetitions must be a whole number"),
        ("- name: down", "- name: up", '10:11 A posture before this one has the name "up" too.'),
        ("at: 0.5, posture: up", "at: 0.5, posture: upp", '21:24 No posture has the name "upp"; '),
        ("{at: 0, ", "{at: 0.1, ", "20:10 The first keyframe is at 0."),
        ("{at: 1.5", "{at: 0.5", "22:10 0.5 s is not after the keyframe before, at 0.5 s."),
        ("{at: 1.5, posture: down", "{at: 1.5, posture: up", "22:24 The last keyframe goes back t"),
        ("{at: 1.5", "{at: 99", "20:3 It takes 301 s in all; at most 300 are allowed."),
        ("fast: 2", "fast: 0.1, postures: [{name: x}]", '24:60 No posture has the name "x"'),
        (
            "false\npostures:\n  - name: down",
            "true\npostures:\n  - name: down\n    left_arm: {}",
            "7:13 What alternates begins in a posture that is alike on both sides.",
        ),
        ("camera: {", "camera {", "4:28 A colon cannot stand here: check the indentation and the"),
    ],
)
def test_it_tells_what_is_wrong_and_where(before: str, after: str, told: str) -> None:
    first = faults((before, after))[0]
    assert first.startswith(told), first


@pytest.mark.parametrize("text", ["", "[]", "{", "x" * 70_000])
def test_no_text_does_anything_worse(text: str) -> None:
    with pytest.raises(MovementInvalid):
        read_movement(text)
