"""The part `cards`: the accuracy card of each movement of the catalogue.

A card tells how well people are counted by rules tuned on the other data set, from where they
were filmed, how many repetitions are seen where there are none, and what the figure shows can't be
seen.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from detection.landmarks import INDEX

from .cross_validation import Chooser
from .engine_runs import SPECS, Workers, catalogue
from .matches import figures, tally
from .negatives import false_a_minute
from .people import People, measured_checks
from .samples import Sample
from .tables import Cell, Table
from .views import CONDITIONS, TURNS, right_by_turn

FILE: Final = SPECS / "accuracy.json"
# The distance of the shoulders in the image over the length of the trunk.
SIDE_BELOW, FRONT_ABOVE = 0.3, 0.55
# Of ten conditions, so many counted right are a view from which the movement is seen.
SEEN_IN: Final = len(CONDITIONS) * 0.8

Card = dict[str, Any]


def tables(workers: Workers) -> list[Table]:
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            *(card["people"], card["sets"], ", ".join(card["views"])),
            *(card["within_one"], card["exact"], card["f1"], card["false_per_minute"]),
            card["cannot_see"] or "",
        )
        for name, card in cards(workers).items()
    ]
    return [
        Table(
            key="cards",
            title="Accuracy cards: people counted with rules tuned on the other data set",
            columns=(
                *("movement", "people", "data sets", "seen from", "within one", "exact", "F1"),
                *("false a minute", "what it can't see"),
            ),
            rows=rows,
        )
    ]


def cards(workers: Workers) -> dict[str, Card]:
    counted = Chooser(workers).by_dataset()
    rates = false_a_minute(workers, list(catalogue().items()))
    seen = right_by_turn(workers)
    people = People(workers)
    found = {}
    for (exercise, _), rate in zip(catalogue().items(), rates, strict=True):
        samples = [one for one in workers.samples if one.exercise == exercise]
        tallies = [tally(counted[one.name], one) for one in samples if one.name in counted]
        of = figures(tallies)
        found[exercise] = {
            "people": len({one.person for one in samples}),
            "sets": len({one.dataset for one in samples}),
            "views": views_of(samples),
            "within_one": _share(of.within_one, of.recordings),
            "exact": _share(of.exact, of.recordings),
            "f1": None if of.f1 is None else round(of.f1, 2),
            "false_per_minute": round(rate, 2),
            "cannot_see": blind_spot(seen.get(exercise, {})),
            "measured_checks": measured_checks(people, exercise),
        }
    return found


def write(workers: Workers, path: Path = FILE) -> None:
    path.write_text(json.dumps(cards(workers), indent=2) + "\n", encoding="utf-8")


def views_of(samples: Sequence[Sample]) -> list[str]:
    """From where people were filmed: `side`, `oblique`, `front`, those that there are."""
    found = {view_of(one) for one in samples}
    return [view for view in ("side", "oblique", "front") if view in found]


def view_of(sample: Sample) -> str:
    widths = []
    for frame in sample.frames:
        left, right, left_hip, right_hip = (
            frame.landmarks[INDEX[name]]
            for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
        )
        x = (left.x + right.x - left_hip.x - right_hip.x) / 2
        y = (left.y + right.y - left_hip.y - right_hip.y) / 2
        trunk = (x * x + y * y) ** 0.5
        if trunk > 0.0:
            apart = ((left.x - right.x) ** 2 + (left.y - right.y) ** 2) ** 0.5
            widths.append(apart / trunk)
    width = median(widths)
    return "side" if width < SIDE_BELOW else "front" if width > FRONT_ABOVE else "oblique"


def blind_spot(seen: Mapping[int, int]) -> str | None:
    """The turns to the camera at which the figure is not counted, as a sentence."""
    blind = [turn for turn in TURNS if seen.get(turn, len(CONDITIONS)) < SEEN_IN]
    if not blind:
        return None
    if blind[0] == TURNS[0]:
        return f"Filmed from within {blind[-1]}° of the side it is not counted well."
    if blind[-1] != TURNS[-1]:
        return f"Filmed from {blind[0]}° to {blind[-1]}° off the side it is not counted well."
    return (
        f"Filmed from {blind[0]}° or more off the side, towards the front, it is not counted well."
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 2) if whole else None
