"""The movements of the catalogue, as the page's script reads them."""

from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
from django.urls import reverse

from detection import (
    Landmark,
    compile,  # noqa: A004 - as detection calls it
    validate,
)
from dev.poses.figure import MOVEMENTS, recorded
from dev.poses.recordings import packed
from movespecs.accuracy import read_cards, why_experimental
from movespecs.catalogue import catalogue_slugs, catalogue_text
from movespecs.movement import shown_movement

# From this turn on the body is seen rather from the front.
FRONTAL_DEGREES = 45


@cache
def slugs() -> list[str]:
    """The movements of the catalogue that the figure can perform, by name."""
    return [slug for slug in catalogue_slugs() if slug in MOVEMENTS]


@cache
def movements() -> list[dict[str, Any]]:
    return [_movement(slug) for slug in slugs()]


def _movement(slug: str) -> dict[str, Any]:
    figure, yaml_source = MOVEMENTS[slug], catalogue_text(slug)
    validation, spec = validate(yaml_source), compile(yaml_source)
    units = validation.units()
    is_frontal = figure.turned >= FRONTAL_DEGREES
    why = why_experimental(read_cards().get(slug))
    view = "facing the camera" if is_frontal else "side-on to the camera"
    return {
        **msgspec.to_builtins(shown_movement(spec)),
        "slug": slug,
        "summary": spec.description or "",
        "experimental": f"Experimental: {why}." if why else "",
        "place": {
            "text": f"{figure.stance} {view}, two to three metres away, with your whole body in "
            "the picture."
        },
        "figure": reverse("try-figure", args=[slug]),
        "parameters": [
            {
                "name": one.name,
                "label": (one.description or _sentence(one.name)).removesuffix("."),
                "default": one.default,
                "min": one.minimum,
                "max": one.maximum,
                "unit": {"ms": " ms"}.get(unit := units.get(one.name, ""), unit),
            }
            for one in validation.parameters
        ],
        "languages": list(validation.languages),
    }


def _sentence(name: str) -> str:
    return name.replace("_", " ").capitalize()


DECIMALS = 3  # millimetres: the file is a fifth as large


@cache
def figure(slug: str) -> bytes:
    """The figure, that performs one of EXERCISES, as a file of a recording."""
    recording = recorded(MOVEMENTS[slug])
    frames = [pose and tuple(map(_rounded, pose)) for pose in recording.frames]
    return packed(replace(recording, frames=frames))


def _rounded(landmark: Landmark) -> Landmark:
    return Landmark._make(value and round(value, DECIMALS) for value in landmark)
