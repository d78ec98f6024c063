"""What the page knows of each movement of the catalogue, and the figure that performs it."""

from dataclasses import replace
from functools import cache
from math import inf
from typing import Any

from django.urls import reverse

from detection import (
    JOINT_LANDMARKS,
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    Criterion,
    Landmark,
    MoveSpec,
    compile,  # noqa: A004 - as detection calls it
)
from detection.engine.carriers import find_travels
from movespecs.catalogue import catalogue_slugs, catalogue_text
from poses.figure import MOVEMENTS, recorded
from poses.recordings import packed

REPETITIONS = 6
DECIMALS = 3  # millimetres: the file is a fifth as large
# How somebody takes part who does not stand.
POSTURES = {
    "bench-press": "Lie on the bench",
    "pull-up": "Hang from the bar",
    "push-up": "Get down on the floor",
    "sit-up": "Lie down",
}
# From this turn on the body is seen rather from the front.
FRONTAL_DEGREES = 45
# What a criterion with one of these sides asks for is another angle than that of the pair.
ONE_SIDED = ("left", "right", "front", "back")


@cache
def slugs() -> list[str]:
    """The movements of the catalogue that the figure can perform, by name."""
    return [slug for slug in catalogue_slugs() if slug in MOVEMENTS]


@cache
def movements() -> list[dict[str, Any]]:
    return [_movement(slug, compile(catalogue_text(slug))) for slug in slugs()]


@cache
def figure(slug: str) -> bytes:
    """The recording of a figure that performs the movement REPETITIONS times, as a file."""
    recording = recorded(slug, REPETITIONS)
    frames = [pose and tuple(map(_rounded, pose)) for pose in recording.frames]
    return packed(replace(recording, frames=frames))


def _rounded(landmark: Landmark) -> Landmark:
    x, y, z, visibility = landmark
    return Landmark(
        round(x, DECIMALS),
        round(y, DECIMALS),
        round(z, DECIMALS),
        visibility and round(visibility, DECIMALS),
    )


def _movement(slug: str, spec: MoveSpec) -> dict[str, Any]:
    turned = MOVEMENTS[slug].turned
    posture = POSTURES.get(slug, "Stand")
    view = "facing the camera" if turned >= FRONTAL_DEGREES else "side-on to the camera"
    return {
        "slug": slug,
        "name": spec.name[:1].upper() + spec.name[1:],
        "summary": spec.description or "",
        "event_key": spec.movement_name,
        "place": {
            "turned": turned,
            "text": f"{posture} {view}, two to three metres away, with your whole body in the "
            "picture.",
        },
        "figure": reverse("try-figure", args=[slug]),
        "phases": [phase.name for phase in spec.phases],
        "angles": _angles(spec),
    }


def _angles(spec: MoveSpec) -> list[dict[str, Any]]:
    """Each angle that a phase bounds: first those that carry the movement, the widest first."""
    gaps = {
        _angle_of(carrier.low[0]): carrier.gap
        for travel in find_travels(spec)
        for carrier in travel.carriers
    }
    bands: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for phase in spec.phases:
        for one in phase.criteria:
            band = {"phase": phase.name, "min": one.angle_min, "max": one.angle_max}
            bands.setdefault(_angle_of(one), []).append(band)
    ordered = sorted(bands, key=lambda angle: -gaps.get(angle, -inf))
    return [{**_shown(*angle), "bands": bands[angle]} for angle in ordered]


def _angle_of(criterion: Criterion) -> tuple[str, str]:
    """Its joint or segment, and its side where that is another angle than the pair's."""
    side = criterion.side or ""
    return criterion.measure, side if side in ONE_SIDED else ""


def _shown(measure: str, side: str) -> dict[str, Any]:
    joint = next((names for name, names in JOINT_LANDMARKS.items() if name == measure), None)
    segment = next((names for name, names in SEGMENT_LANDMARKS.items() if name == measure), ())
    named = " ".join(filter(None, (side, measure.replace("_", " "))))
    return {
        "label": named if joint else f"lean of the {named}",
        "kind": "joint" if joint else "lean",
        "landmarks": [
            [LANDMARK_NAMES.index(f"{of}_{name}") for name in joint or segment]
            for of in (("left", "right") if side not in ("left", "right") else (side,))
        ],
    }
