"""What the page knows of each movement of the catalogue."""

from functools import cache
from math import inf
from typing import Any

from django.urls import reverse

from detection import (
    JOINT_LANDMARKS,
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    Criterion,
    Measure,
    MoveSpec,
    compile,  # noqa: A004 - as detection calls it
)
from detection.engine.carriers import find_travels
from movespecs.catalogue import catalogue_slugs, catalogue_text
from poses.figure import MOVEMENTS

LANDMARKS: dict[Measure, tuple[str, ...]] = dict(
    [*JOINT_LANDMARKS.items(), *SEGMENT_LANDMARKS.items()]
)
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
    """Each angle that a phase bounds. Those that carry the movement come first, and of these the
    one whose bands are furthest apart."""
    gaps = {
        _angle_of(carrier.low[0]): carrier.gap
        for travel in find_travels(spec)
        for carrier in travel.carriers
    }
    bands: dict[tuple[Measure, str], list[dict[str, Any]]] = {}
    for phase in spec.phases:
        for one in phase.criteria:
            band = {"phase": phase.name, "min": one.angle_min, "max": one.angle_max}
            bands.setdefault(_angle_of(one), []).append(band)
    ordered = sorted(bands, key=lambda angle: -gaps.get(angle, -inf))
    return [{**_shown(*angle), "bands": bands[angle]} for angle in ordered]


def _angle_of(criterion: Criterion) -> tuple[Measure, str]:
    """Its joint or segment, and its side where that is another angle than the pair's."""
    side = criterion.side or ""
    return criterion.measure, side if side in ONE_SIDED else ""


def _shown(measure: Measure, side: str) -> dict[str, Any]:
    is_joint = measure in JOINT_LANDMARKS
    named = " ".join(filter(None, (side, measure.replace("_", " "))))
    sides = (side,) if side in ("left", "right") else ("left", "right")
    return {
        "label": named if is_joint else f"lean of the {named}",
        "kind": "joint" if is_joint else "lean",
        "landmarks": [
            [LANDMARK_NAMES.index(f"{one}_{name}") for name in LANDMARKS[measure]] for one in sides
        ],
    }
