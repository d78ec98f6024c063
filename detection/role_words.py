"""Criteria in the words of the sentences that tell their roles."""

from collections.abc import Sequence
from math import inf
from typing import Final

from detection.spec import JOINT_LANDMARKS, Criterion, Measure, Side, TempoCheck, TempoPart

_OWNERS: Final[dict[Side | None, str]] = {
    None: "the",
    "left": "the left",
    "right": "the right",
    "both": "each",
    "either": "at least one",
    "front": "the front",
    "back": "the back",
}


def for_longer(grace_ms: float) -> str:
    return f" for over {grace_ms / 1000:g} s" if grace_ms else ""


def angle_words(
    criterion: Criterion, of_joint: str, of_lean: str, band: tuple[float, float] | None = None
) -> str:
    """The angle in its own band or in another, such as `the left knee is at 90° or less`."""
    verb = of_joint if criterion.measure in JOINT_LANDMARKS else of_lean
    name = criterion.measure.replace("_", " ")
    low, high = band or (criterion.minimum, criterion.maximum)
    return f"{_OWNERS[criterion.side]} {name} {verb} {band_words(low, high)}"


def sentence_of(text: str) -> str:
    return text[0].upper() + text[1:]


def band_words(low: float, high: float) -> str:
    if low == high:
        return f"exactly {low:g}°"
    if low <= 0.0:
        return f"{high:g}° or less" if high < 180.0 else "any angle"
    return f"{low:g}° to {high:g}°" if high < 180.0 else f"{low:g}° or more"


TEMPO_WORDS: Final[dict[TempoPart, str]] = {
    "out": "the way out",
    "stay": "the stay at the far end",
    "back": "the way back",
}


def times_words(check: TempoCheck) -> str:
    """Such as `2 s to 4 s`."""
    low, high = f"{check.minimum_ms / 1000:g} s", f"{check.maximum_ms / 1000:g} s"
    if check.minimum_ms == 0.0:
        return f"{high} or less"
    if check.maximum_ms == inf:
        return f"{low} or more"
    return f"exactly {low}" if low == high else f"{low} to {high}"


def measure_words(measure: Measure) -> str:
    name = measure.replace("_", " ")
    return f"the {name}" if measure in JOINT_LANDMARKS else f"the lean of the {name}"


def measures_words(measures: Sequence[Measure]) -> str:
    *others, last = map(measure_words, measures)
    return f"{', '.join(others)} and {last}" if others else last
