"""Movement files: the YAML of a movement of the figure.

First the language, with every key, its type, bounds and description; then the reading of a text.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from detection import MoveSpecInvalid
from detection.language.criteria import NAME, PROSE
from detection.language.issues import Report, nearest, quote
from detection.language.kinds import Choice, Flag, Items, Number
from detection.language.records import Field, Record, Values, not_both
from detection.language.yaml_tree import read_document
from dev.poses.figure.body import Limb, Posture, mirrored
from dev.poses.figure.camera import Camera
from dev.poses.figure.keyframes import MAX_SECONDS, VIEWS, Keyframe, Movement, Variant

MAX_REPETITIONS = 100
MAX_REPETITION = 120


def _degrees(key: str, description: str, default: float | None = None) -> Field:
    return Field(key, Number(-360, 360), description, default=default)


def _limb(upper: str, lower: str, joint: str) -> Record:
    either = f"Either {joint} or {lower}: each says where the other is."
    aside = f"{lower}_aside goes with {lower}, not with {joint}."
    return Record(
        (
            _degrees(upper, "From hanging straight down, positive ahead.", 0),
            _degrees(joint, "The joint's angle; less bends a shank back, a forearm ahead."),
            _degrees(lower, f"As {upper}, in place of the {joint}."),
            _degrees("aside", "How far the limb is turned outward.", 0),
            _degrees(f"{lower}_aside", f"The outward turn of {lower} where it differs."),
        ),
        (
            not_both((joint,), (lower,), "joint_and_segment", either),
            not_both((joint,), (f"{lower}_aside",), "joint_and_segment", aside),
        ),
    )


LEG = _limb("thigh", "shank", "knee")
ARM = _limb("upper_arm", "forearm", "elbow")
POSTURE = Record(
    (
        Field("name", NAME, "What keyframes call it.", required=True),
        _degrees("lean", "The trunk from upright, positive ahead.", 0),
        _degrees("tilt", "The trunk from upright, positive to its left.", 0),
        _degrees("roll", "The whole body's turn to its left: at 90 it lies on that side.", 0),
        Field("legs", LEG, "Both legs."),
        Field("left_leg", LEG, "The left leg."),
        Field("right_leg", LEG, "The right leg."),
        Field("arms", ARM, "Both arms."),
        Field("left_arm", ARM, "The left arm."),
        Field("right_arm", ARM, "The right arm."),
        _degrees("foot", "The feet from pointing ahead, positive up.", int(Posture().foot)),
    ),
    tuple(
        not_both(
            (f"{limb}s",),
            (f"left_{limb}", f"right_{limb}"),
            "both_and_one",
            f"Either {limb}s, for both, or left_{limb} and right_{limb}.",
        )
        for limb in ("leg", "arm")
    ),
)
_VIEW = (
    Field("view", Choice(tuple(VIEWS)), "What the camera sees, by a name."),
    _degrees("turned", "The body's turn to the camera: 0 shows its right side, 90 its front."),
)
_EITHER_VIEW = (not_both(("view",), ("turned",), "view_and_turned", "Either view or turned."),)
CAMERA = Record(
    (
        *_VIEW,
        Field("noise_m", Number(0, 0.1), "The deviation of x and y in metres; twice it of z."),
        Field("hides", Flag(), "Whether the body hides its far arm and leg from the side."),
    ),
    _EITHER_VIEW,
)
KEYFRAME = Record(
    (
        Field("at", Number(0, MAX_REPETITION), "Seconds since the begin.", required=True),
        Field("posture", NAME, "The name of a posture.", required=True),
    )
)
# As `Variant` of keyframes.py says.
VARIANT = Record(
    (
        Field("name", NAME, "What `--variant` calls it.", required=True),
        Field("shallow", Number(0, 2), "The share of the way from the first posture."),
        Field("fast", Number(0.1, 10), "How many times as fast."),
        Field("still", Choice(("left", "right")), "The side that stays as at first."),
        *_VIEW,
        Field("postures", Items(POSTURE, 1, 20), "In place of those of the same name."),
    ),
    _EITHER_VIEW,
)
_SOURCE = replace(PROSE, min_length=1, max_length=500)
_STANCE = replace(PROSE, min_length=1, max_length=60)
_REPETITIONS = Number(1, MAX_REPETITIONS, is_whole=True)
MOVEMENT = Record(
    (
        Field("name", NAME, "The movement's name.", required=True),
        Field("source", _SOURCE, "The description from which it was written.", required=True),
        Field("stance", _STANCE, "How a person begins it, as in `Lie down`.", default="Stand"),
        Field("camera", CAMERA, "The camera: from the side if absent."),
        Field("rest", Number(0, 10), "Seconds in the first posture, before and after.", default=1),
        Field("repetitions", _REPETITIONS, "How often it is done.", default=6),
        Field("alternates", Flag(), "Every other repetition is mirrored.", default=False),
        Field("postures", Items(POSTURE, 2, 20), "The postures.", required=True),
        Field("keyframes", Items(KEYFRAME, 3, 50), "From the first posture back.", required=True),
        Field("variants", Items(VARIANT, 0, 20), "Ways of doing it otherwise.", default=()),
    )
)


class MovementInvalid(MoveSpecInvalid):
    """A text has errors: `issues`, in its order."""


def read_movement(text: str) -> Movement:
    """The movement of a text, whatever text it is; raises MovementInvalid."""
    report = Report()
    root = read_document(text, report)
    document = None if root is None else MOVEMENT.check(root, "", report)
    _raise_errors(report)
    assert document is not None  # noqa: S101 - a text without a document has an error
    _check_names(document, report)
    _raise_errors(report)
    movement = _movement(document)
    _check_movement(movement, report)
    _raise_errors(report)
    return movement


def _raise_errors(report: Report) -> None:
    if errors := report.errors():
        raise MovementInvalid(errors)


def _check_names(document: Values, report: Report) -> None:
    names = [posture["name"] for posture in document["postures"]]
    _check_once(names, "posture", "postures", report)
    for index, keyframe in enumerate(document["keyframes"]):
        _check_known(keyframe["posture"], names, f"keyframes[{index}].posture", report)
    of_variants = [variant["name"] for variant in document["variants"]]
    _check_once(of_variants, "variant", "variants", report)
    for index, variant in enumerate(document["variants"]):
        path = f"variants[{index}].postures"
        others = [posture["name"] for posture in variant.get("postures", [])]
        _check_once(others, "posture", path, report)
        for number, name in enumerate(others):
            _check_known(name, names, f"{path}[{number}].name", report)


def _check_once(names: list[str], what: str, path: str, report: Report) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            message = f"A {what} before this one has the name {quote(name)} too."
            report.error("duplicate_name", message, f"{path}[{index}].name")


def _check_known(name: str, known: list[str], path: str, report: Report) -> None:
    if name not in known:
        near = nearest(name, known)
        hint = f"; the nearest is {quote(near)}" if near else ""
        message = f"No posture has the name {quote(name)}{hint}."
        report.error("unknown_posture", message, path)


def _check_movement(movement: Movement, report: Report) -> None:
    for index, (before, after) in enumerate(pairwise(movement.keyframes), 1):
        if after.at <= before.at:
            message = f"{after.at:g} s is not after the keyframe before, at {before.at:g} s."
            report.error("times_not_rising", message, f"keyframes[{index}].at")
    first, last = movement.keyframes[0], movement.keyframes[-1]
    if first.at != 0:
        report.error("begins_late", "The first keyframe is at 0.", "keyframes[0].at")
    if first.posture != last.posture:
        message = f"The last keyframe goes back to the first posture, {quote(first.posture)}."
        report.error("not_closed", message, f"keyframes[{len(movement.keyframes) - 1}].posture")
    if movement.alternates and mirrored(movement.rest) != movement.rest:
        message = "What alternates begins in a posture that is alike on both sides."
        report.error("begins_on_one_side", message, "alternates")
    for path, name, varied in _ways(movement):
        seconds = varied.seconds_in_all(movement.repetitions)
        if seconds > MAX_SECONDS:
            message = f"{name} takes {seconds:g} s in all; at most {MAX_SECONDS:g} are allowed."
            report.error("too_long", message, path)


def _ways(movement: Movement) -> Iterator[tuple[str, str, Movement]]:
    yield "keyframes", "It", movement
    for index, variant in enumerate(movement.own_variants):
        yield f"variants[{index}]", f"The variant {quote(variant.name)}", movement.varied(variant)


def _movement(document: Values) -> Movement:
    camera = document.get("camera", {})
    return Movement(
        name=document["name"],
        source=document["source"].strip(),
        stance=document["stance"],
        turned=_turned(camera) or VIEWS["side"],
        noise_m=camera.get("noise_m", Camera().noise_m),
        hides=camera.get("hides", Camera().hides),
        rest_seconds=document["rest"],
        repetitions=int(document["repetitions"]),
        alternates=document["alternates"],
        postures=_postures(document["postures"]),
        keyframes=tuple(Keyframe(one["at"], one["posture"]) for one in document["keyframes"]),
        own_variants=tuple(
            Variant(
                name=one["name"],
                shallow=one.get("shallow", 1.0),
                fast=one.get("fast", 1.0),
                still=one.get("still"),
                turned=_turned(one),
                postures=_postures(one.get("postures", [])),
            )
            for one in document["variants"]
        ),
    )


def _turned(values: Values) -> float | None:
    if "view" in values:
        return VIEWS[values["view"]]
    turned: float | None = values.get("turned")
    return turned


def _postures(items: list[Values]) -> dict[str, Posture]:
    return {item["name"]: _posture(item) for item in items}


def _posture(values: Values) -> Posture:
    given: Values = {key: values[key] for key in ("lean", "tilt", "roll", "foot")}
    for limb, names, bend in (
        ("leg", ("thigh", "shank", "knee"), -1),
        ("arm", ("upper_arm", "forearm", "elbow"), 1),
    ):
        for side in ("left", "right"):
            of_side = values.get(f"{limb}s") or values.get(f"{side}_{limb}")
            if of_side is not None:
                given[f"{side}_{limb}"] = _made(of_side, *names, bend)
    return Posture(**given)


def _made(values: Values, upper: str, lower: str, joint: str, bend: int) -> Limb:
    """A limb, whose joint bends the lower part back where `bend` is negative."""
    degrees: float = values[upper]
    lower_degrees = values.get(lower, degrees)
    if joint in values:
        lower_degrees = degrees + bend * (180 - values[joint])
    return Limb(degrees, lower_degrees, values["aside"], values.get(f"{lower}_aside"))


# Those that ship, by the name of their file.
FOLDER = Path(__file__).resolve().parents[3] / "examples" / "movements"
MOVEMENTS: dict[str, Movement] = {
    path.stem: read_movement(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)
