"""The movements and the engine's settings, as the page's script reads them."""

from dataclasses import asdict, replace
from functools import cache
from typing import Any

from django.urls import reverse

from detection import (
    JOINT_LANDMARKS,
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    EngineSettings,
    Landmark,
    Measure,
    MoveSpec,
    compile,  # noqa: A004 - as detection calls it
    validate,
)
from detection.engine.driving import find_motions, used_phases
from detection.engine.signals import MIN_WEIGHT_M2
from dev.poses.figure import MOVEMENTS, recorded
from dev.poses.recordings import packed
from movespecs.accuracy import read_cards, why_experimental
from movespecs.catalogue import catalogue_slugs, catalogue_text

LANDMARKS: dict[Measure, tuple[str, ...]] = dict(
    [*JOINT_LANDMARKS.items(), *SEGMENT_LANDMARKS.items()]
)
# From this turn on the body is seen rather from the front.
FRONTAL_DEGREES = 45


@cache
def slugs() -> list[str]:
    """The movements of the catalogue that the figure can perform, by name."""
    return [slug for slug in catalogue_slugs() if slug in MOVEMENTS]


@cache
def movements() -> list[dict[str, Any]]:
    return [_movement(slug) for slug in slugs()]


@cache
def engine() -> dict[str, float]:
    """The engine's settings, with which the page measures the same angles."""
    by_subject = asdict(EngineSettings()).values()
    named = {name: value for subject in by_subject for name, value in subject.items()}
    return {**named, "min_weight_m2": MIN_WEIGHT_M2}


def _movement(slug: str) -> dict[str, Any]:
    figure, yaml_source = MOVEMENTS[slug], catalogue_text(slug)
    validation, spec = validate(yaml_source), compile(yaml_source)
    labels = {path: _label(one.measure) for path, one in spec.criteria_by_path.items()}
    is_frontal = figure.turned >= FRONTAL_DEGREES
    why = why_experimental(read_cards().get(slug))
    view = "facing the camera" if is_frontal else "side-on to the camera"
    return {
        "slug": slug,
        "name": spec.name[:1].upper() + spec.name[1:],
        "summary": spec.description or "",
        "experimental": f"Experimental: {why}." if why else "",
        "event_key": spec.movement_name,
        "place": {
            "text": f"{figure.stance} {view}, two to three metres away, with your whole body in "
            "the picture."
        },
        "figure": reverse("try-figure", args=[slug]),
        "angle": shown_angle(spec),
        "parameters": [
            {
                "name": one.name,
                "label": (one.description or _named(one.name).capitalize()).removesuffix("."),
                "default": one.default,
                "min": one.minimum,
                "max": one.maximum,
            }
            for one in validation.parameters
        ],
        "languages": list(validation.languages),
        # What the page's words need: how it counts, and by path what an attempt may have missed.
        "phases": [phase.name for phase in spec.phases],
        "hold_ms": spec.target_ms if spec.type == "hold" else None,
        "view": spec.setup.view if spec.setup else "any",
        "labels": labels | {path: name for name, path in spec.check_paths.items()},
    }


def shown_angle(spec: MoveSpec) -> dict[str, Any]:
    """The angle that carries the movement: of several a joint's, and the one with the widest gap.

    `landmarks` are of the left side and of the right: three of a joint, which is in the middle, or
    the lower and the upper end of a segment, whose lean it is.
    """
    angles = [driver for motion in find_motions(spec) for driver in motion.angles]
    of_joints = [driver for driver in angles if driver.measure in JOINT_LANDMARKS]
    widest = max(of_joints or angles, key=lambda driver: driver.gap, default=None)
    # Where nothing carries, as in a hold, the first joint that it bounds, or whatever it bounds.
    bounded = [one.measure for one in (used_phases(spec) or spec.phases)[0].criteria]
    joint = next((one for one in bounded if one in JOINT_LANDMARKS), bounded[0])
    measure = widest.measure if widest else joint
    return {
        "measure": measure,
        "label": _label(measure),
        "landmarks": [
            [LANDMARK_NAMES.index(f"{side}_{name}") for name in LANDMARKS[measure]]
            for side in ("left", "right")
        ],
        "bands": [
            {"phase": phase.name, "min": one.minimum, "max": one.maximum}
            for phase in spec.phases
            for one in phase.criteria
            if one.measure == measure
        ],
    }


def _label(measure: Measure) -> str:
    return measure if measure in JOINT_LANDMARKS else f"lean of the {_named(measure)}"


def _named(name: str) -> str:
    return name.replace("_", " ")


DECIMALS = 3  # millimetres: the file is a fifth as large


@cache
def figure(slug: str) -> bytes:
    """The figure, that performs one of EXERCISES, as a file of a recording."""
    recording = recorded(MOVEMENTS[slug])
    frames = [pose and tuple(map(_rounded, pose)) for pose in recording.frames]
    return packed(replace(recording, frames=frames))


def _rounded(landmark: Landmark) -> Landmark:
    return Landmark._make(value and round(value, DECIMALS) for value in landmark)
