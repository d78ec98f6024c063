"""A movement as pages show it: its phases, the angle that carries it, and its cues."""

from dataclasses import asdict
from functools import cache
from typing import Annotated

from detection import (
    JOINT_LANDMARKS,
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    EngineSettings,
    Measure,
    MoveSpec,
    Validation,
    View,
)
from detection.engine.driving import find_motions, used_phases
from detection.engine.signals import MIN_WEIGHT_M2
from detection.spec import Setup
from kynaplatform.api.schemas import Answer, doc

LANDMARKS: dict[Measure, tuple[str, ...]] = {
    **dict(JOINT_LANDMARKS.items()),
    **dict(SEGMENT_LANDMARKS.items()),
}
# The tag of a message that is in no named language (RFC 5646, section 4.1).
UNDETERMINED = "und"


class Band(Answer):
    phase: Annotated[str, doc("The phase that asks for it.", "bottom")]
    min: Annotated[float, doc("The least angle in degrees.", 0)]
    max: Annotated[float, doc("The greatest angle in degrees.", 100)]


class ShownAngle(Answer):
    """The angle that carries the movement: a joint's, or the lean of a segment."""

    measure: Annotated[Measure, doc("The joint or segment.", "knee")]
    label: Annotated[str, doc("What people call it.", "knee")]
    landmarks: Annotated[
        list[list[int]],
        doc(
            "Of the left side, and of the right: the indexes of three landmarks, with the joint in "
            "the middle; or of the lower and the upper end of a segment.",
            [[23, 25, 27], [24, 26, 28]],
        ),
    ]
    bands: Annotated[list[Band], doc("What its phases ask of the angle.")]


class ShownSetup(Answer):
    view: Annotated[View, doc("How the person stands to the camera.", "side")]
    visible: Annotated[
        list[str], doc("The landmarks that must be seen before it counts.", ["left_knee"])
    ]


class ShownMovement(Answer):
    name: Annotated[str, doc("The movement's name, with a capital.", "Squat")]
    event_key: Annotated[str, doc("The `event_key` of its completions.", "squat")]
    phases: Annotated[list[str], doc("The names of its phases.", ["standing", "bottom"])]
    hold_ms: Annotated[
        float | None, doc("Milliseconds that it is to be held; null where it is repeated.")
    ]
    setup: ShownSetup
    angle: ShownAngle
    labels: Annotated[
        dict[str, str],
        doc(
            "By its path in the MoveSpec, what a criterion measures, or the name of a check.",
            {"detection.movement.checks[0]": "depth"},
        ),
    ]


def shown_movement(spec: MoveSpec) -> ShownMovement:
    setup = spec.setup or Setup()
    labels = {path: label_of(one.measure) for path, one in spec.criteria_by_path.items()}
    return ShownMovement(
        name=spec.name[:1].upper() + spec.name[1:],
        event_key=spec.movement_name,
        phases=[phase.name for phase in spec.phases],
        hold_ms=spec.target_ms if spec.type == "hold" else None,
        setup=ShownSetup(setup.view, list(setup.visible)),
        angle=shown_angle(spec),
        labels=labels | {path: name for name, path in spec.check_paths.items()},
    )


def shown_angle(spec: MoveSpec) -> ShownAngle:
    """The angle that carries the movement: of several a joint's, and the one with the widest gap.

    Where nothing carries, as in a hold, the first joint that it bounds, or whatever it bounds.
    """
    angles = [driver for motion in find_motions(spec) for driver in motion.angles]
    of_joints = [driver for driver in angles if driver.measure in JOINT_LANDMARKS]
    widest = max(of_joints or angles, key=lambda driver: driver.gap, default=None)
    bounded = [one.measure for one in (used_phases(spec) or spec.phases)[0].criteria]
    joint = next((one for one in bounded if one in JOINT_LANDMARKS), bounded[0])
    measure = widest.measure if widest else joint
    return ShownAngle(
        measure=measure,
        label=label_of(measure),
        landmarks=[
            [LANDMARK_NAMES.index(f"{side}_{name}") for name in LANDMARKS[measure]]
            for side in ("left", "right")
        ],
        bands=[
            Band(phase.name, one.minimum, one.maximum)
            for phase in spec.phases
            for one in phase.criteria
            if one.measure == measure
        ],
    )


def label_of(measure: Measure) -> str:
    return measure if measure in JOINT_LANDMARKS else f"lean of the {measure.replace('_', ' ')}"


def cues_by_language(validation: Validation) -> dict[str, list[str]]:
    """The messages of a valid document by the tags of its languages."""
    tags = validation.languages
    return {tag: validation.messages(tag) for tag in tags} or {UNDETERMINED: validation.messages()}


@cache
def angle_settings() -> dict[str, float]:
    """The engine's settings, with which a page measures the same angles; see docs/engine.md."""
    by_subject = asdict(EngineSettings()).values()
    named = {name: value for subject in by_subject for name, value in subject.items()}
    return {**named, "min_weight_m2": MIN_WEIGHT_M2}
