"""The part `cards`: the accuracy card of each movement of the catalogue."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .cross_validation import Chooser
from .engine_runs import SPECS, Workers, catalogue
from .matches import figures, tally
from .negatives import false_a_minute
from .people import measured_checks
from .samples import VIEWS
from .tables import Table, share
from .views import CONDITIONS, TURNS, counts, right_by_turn

FILE: Final = SPECS / "accuracy.json"
# The figure is counted well from a turn if it is in this many conditions.
SEEN_IN: Final = len(CONDITIONS) * 0.8


def tables(workers: Workers) -> list[Table]:
    columns = (
        *("movement", "people", "data sets", "seen from", "within one", "exact", "F1"),
        *("false a minute", "what it can't see"),
    )
    shown = ("within_one", "exact", "f1", "false_per_minute")
    rows = [
        (
            *(name, card["people"], card["sets"], ", ".join(card["views"])),
            *(card[key] for key in shown),
            card["cannot_see"] or "",
        )
        for name, card in cards(workers).items()
    ]
    title = "Accuracy cards: people counted with rules tuned on the other data set"
    return [Table(title, columns, rows)]


def cards(workers: Workers) -> dict[str, dict[str, Any]]:
    counted = Chooser(workers).by_dataset()
    rates = false_a_minute(workers, list(catalogue().items()))
    seen = right_by_turn(counts(workers))
    found = {}
    for exercise, rate in zip(catalogue(), rates, strict=True):
        samples = [one for one in workers.samples if one.exercise == exercise]
        of = figures([tally(counted[one.name], one) for one in samples if one.name in counted])
        views = {one.view for one in samples}
        found[exercise] = {
            "people": len({one.person for one in samples}),
            "sets": len({one.dataset for one in samples}),
            "views": [view for view in VIEWS if view in views],
            "within_one": _rounded(share(of.within_one, of.recordings)),
            "exact": _rounded(share(of.exact, of.recordings)),
            "f1": _rounded(of.f1),
            "false_per_minute": round(rate, 2),
            "cannot_see": blind_spot(seen.get(exercise, {})),
            "measured_checks": measured_checks(workers, exercise),
        }
    return found


def _rounded(part: float | None) -> float | None:
    return None if part is None else round(part, 2)


def write(workers: Workers, path: Path = FILE) -> None:
    path.write_text(json.dumps(cards(workers), indent=2) + "\n", encoding="utf-8")


def blind_spot(seen: Mapping[int, int]) -> str | None:
    """The turns to the camera at which the figure is not counted well, as a sentence."""
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
