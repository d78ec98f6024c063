"""The language of movement files: every key, its type, bounds and description."""

from dataclasses import replace

from detection.language.criteria import NAME, PROSE
from detection.language.grammar import Choice, Field, Flag, Items, NotBoth, Number, Record
from dev.poses.figure.body import Posture
from dev.poses.figure.keyframes import VIEWS

DEGREES = Number(-360, 360)
MAX_REPETITIONS = 100
MAX_REPETITION = 120


def _limb(upper: str, lower: str, joint: str) -> Record:
    return Record(
        fields=(
            Field(
                key=upper,
                kind=DEGREES,
                default=0,
                description=f"{upper}, in degrees from hanging straight down, positive ahead.",
            ),
            Field(
                key=joint,
                kind=DEGREES,
                description=f"The angle of the {joint}, 180 straight: {_BENDS[joint]}.",
            ),
            Field(
                key=lower,
                kind=DEGREES,
                description=f"{lower}, as {upper}, in place of the {joint}.",
            ),
            Field(
                key="aside",
                kind=DEGREES,
                default=0,
                description="How far the limb is turned outward, in degrees.",
            ),
            Field(
                key=f"{lower}_aside",
                kind=DEGREES,
                description=f"The outward turn of {lower} where it differs: with {lower} alone.",
            ),
        ),
        rules=(
            NotBoth(
                keys=(joint,),
                others=(lower,),
                code="joint_and_segment",
                message=f"Either {joint} or {lower}: each says where the other is.",
            ),
            NotBoth(
                keys=(joint,),
                others=(f"{lower}_aside",),
                code="joint_and_segment",
                message=f"{lower}_aside goes with {lower}, not with {joint}.",
            ),
        ),
    )


_BENDS = {"knee": "less bends the shank back", "elbow": "less bends the forearm ahead"}
LEG = _limb("thigh", "shank", "knee")
ARM = _limb("upper_arm", "forearm", "elbow")
POSTURE = Record(
    fields=(
        Field(key="name", kind=NAME, description="What keyframes call it.", required=True),
        Field(
            key="lean",
            kind=DEGREES,
            default=0,
            description="The trunk's degrees from upright, positive ahead.",
        ),
        Field(
            key="tilt",
            kind=DEGREES,
            default=0,
            description="The trunk's degrees from upright, positive to its left.",
        ),
        Field(
            key="roll",
            kind=DEGREES,
            default=0,
            description="The whole body's turn to its left: at 90 it lies on its left side.",
        ),
        Field(key="legs", kind=LEG, description="Both legs."),
        Field(key="left_leg", kind=LEG, description="The left leg."),
        Field(key="right_leg", kind=LEG, description="The right leg."),
        Field(key="arms", kind=ARM, description="Both arms."),
        Field(key="left_arm", kind=ARM, description="The left arm."),
        Field(key="right_arm", kind=ARM, description="The right arm."),
        Field(
            key="foot",
            kind=DEGREES,
            default=int(Posture().foot),
            description="The feet's degrees from pointing ahead, positive up.",
        ),
    ),
    rules=tuple(
        NotBoth(
            keys=(f"{limb}s",),
            others=(f"left_{limb}", f"right_{limb}"),
            code="both_and_one",
            message=f"Either {limb}s, for both, or left_{limb} and right_{limb}.",
        )
        for limb in ("leg", "arm")
    ),
)
_VIEW = Field(
    key="view",
    kind=Choice(tuple(VIEWS)),
    description="What the camera sees, by a name: "
    + ", ".join(f"{name} is {turned:g}" for name, turned in VIEWS.items())
    + ".",
)
_TURNED = Field(
    key="turned",
    kind=DEGREES,
    description="The body's turn to the camera: 0 shows its right side, 90 its front.",
)
_EITHER_VIEW = NotBoth(
    keys=("view",), others=("turned",), code="view_and_turned", message="Either view or turned."
)
CAMERA = Record(
    fields=(
        _VIEW,
        _TURNED,
        Field(
            key="noise_m",
            kind=Number(0, 0.1),
            description="The standard deviation of x and y, in metres; that of z is twice it.",
        ),
        Field(
            key="hides",
            kind=Flag(),
            description="Whether the body hides the far arm and leg from a camera at the side.",
        ),
    ),
    rules=(_EITHER_VIEW,),
)
KEYFRAME = Record(
    fields=(
        Field(
            key="at",
            kind=Number(0, MAX_REPETITION),
            description="Seconds since the repetition's begin.",
            required=True,
        ),
        Field(key="posture", kind=NAME, description="The name of a posture.", required=True),
    )
)
VARIANT = Record(
    fields=(
        Field(key="name", kind=NAME, description="What `--variant` calls it.", required=True),
        Field(
            key="shallow",
            kind=Number(0, 2),
            description="The share of the way from the first posture to each other one.",
        ),
        Field(key="fast", kind=Number(0.1, 10), description="How many times as fast."),
        Field(
            key="still",
            kind=Choice(("left", "right")),
            description=(
                "The side whose arm and leg stay as in the first posture. Of a movement that"
                " alternates, every other repetition is left out."
            ),
        ),
        _VIEW,
        _TURNED,
        Field(
            key="postures",
            kind=Items(item=POSTURE, min_items=1, max_items=20),
            description="Postures in place of those of the same name.",
        ),
    ),
    rules=(_EITHER_VIEW,),
)
MOVEMENT = Record(
    fields=(
        Field(key="name", kind=NAME, description="The movement's name.", required=True),
        Field(
            key="source",
            kind=replace(PROSE, min_length=1, max_length=500),
            description="The description of the movement from which it was written.",
            required=True,
        ),
        Field(
            key="stance",
            kind=replace(PROSE, min_length=1, max_length=60),
            default="Stand",
            description="How a person begins it, as in `Lie down`.",
        ),
        Field(key="camera", kind=CAMERA, description="The camera: from the side if absent."),
        Field(
            key="rest",
            kind=Number(0, 10),
            default=1,
            description="Seconds in the first posture, before and after all repetitions.",
        ),
        Field(
            key="repetitions",
            kind=Number(1, MAX_REPETITIONS),
            default=6,
            description="How often it is done.",
        ),
        Field(
            key="alternates",
            kind=Flag(),
            default=False,
            description="Every other repetition has left and right exchanged.",
        ),
        Field(
            key="postures",
            kind=Items(item=POSTURE, min_items=2, max_items=20),
            description="The postures.",
            required=True,
        ),
        Field(
            key="keyframes",
            kind=Items(item=KEYFRAME, min_items=3, max_items=50),
            description="One repetition: from the first posture, at 0, back to it.",
            required=True,
        ),
        Field(
            key="variants",
            kind=Items(item=VARIANT, min_items=0, max_items=20),
            default=(),
            description="Ways of doing it otherwise, beside those that every movement has.",
        ),
    )
)
