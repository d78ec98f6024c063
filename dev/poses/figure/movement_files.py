"""Movement files: the YAML of a movement of the figure."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from detection.language.checking import check
from detection.language.issues import Issue, Report, nearest, quote
from detection.language.yaml_tree import read_document
from dev.poses.figure.body import Limb, Posture, mirrored
from dev.poses.figure.camera import Camera
from dev.poses.figure.keyframes import MAX_SECONDS, VIEWS, Keyframe, Movement, Variant
from dev.poses.figure.movement_grammar import MOVEMENT

Values = dict[str, Any]


class MovementInvalid(Exception):
    """A text has errors: `issues`, in its order."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(issues[0].message)
        self.issues = issues


def read_movement(text: str) -> Movement:
    """The movement of a text, whatever text it is; raises MovementInvalid."""
    report = Report()
    root = read_document(text, report)
    document = None if root is None else check(root, MOVEMENT, "", report)
    _raise_errors(report)
    assert document is not None  # noqa: S101 - a text without a document has an error
    _check_names(document, report)
    _raise_errors(report)
    movement = _movement(document)
    _check_movement(document, movement, report)
    _raise_errors(report)
    return movement


def _raise_errors(report: Report) -> None:
    if errors := report.errors():
        raise MovementInvalid(errors)


def _check_names(document: Values, report: Report) -> None:
    """Names are given once, and those that are used are there."""
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


def _check_movement(document: Values, movement: Movement, report: Report) -> None:
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
    if document["repetitions"] % 1:
        report.error("not_whole", "repetitions is a whole number.", "repetitions")
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
        own_variants=tuple(_variant(one) for one in document["variants"]),
    )


def _variant(values: Values) -> Variant:
    return Variant(
        name=values["name"],
        shallow=values.get("shallow", 1.0),
        fast=values.get("fast", 1.0),
        still=values.get("still"),
        turned=_turned(values),
        postures=_postures(values.get("postures", [])),
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
    for limb, made in (("leg", _leg), ("arm", _arm)):
        for side in ("left", "right"):
            of_side = values.get(f"{limb}s") or values.get(f"{side}_{limb}")
            if of_side is not None:
                given[f"{side}_{limb}"] = made(of_side)
    return Posture(**given)


def _leg(values: Values) -> Limb:
    thigh: float = values["thigh"]
    shank: float = values.get("shank", thigh)
    if "knee" in values:
        shank = thigh - (180 - values["knee"])
    return Limb(thigh, shank, values["aside"], values.get("shank_aside"))


def _arm(values: Values) -> Limb:
    upper: float = values["upper_arm"]
    forearm: float = values.get("forearm", upper)
    if "elbow" in values:
        forearm = upper + (180 - values["elbow"])
    return Limb(upper, forearm, values["aside"], values.get("forearm_aside"))


# Those that ship, by the name of their file.
FOLDER = Path(__file__).resolve().parents[3] / "examples" / "movements"
MOVEMENTS: dict[str, Movement] = {
    path.stem: read_movement(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)
