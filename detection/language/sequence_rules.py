"""The rules of a sequence: neighbours differ, also where optional steps are passed over.

A step that may be passed over leaves its neighbours side by side. Entering the phase that one is in
already changes nothing, so the later of two equal neighbours could never be told from the earlier.
"""

from typing import Any

from detection.language.issues import Report, quote
from detection.spec import MOVEMENT

Step = str | dict[str, Any] | None

_PATH = f"{MOVEMENT}.sequence"


def phase_of(step: Step) -> str | None:
    """The name that a step has, as a text or in a mapping; None where it is not valid."""
    return step.get("phase") if isinstance(step, dict) else step


def check_sequence(sequence: list[Step], report: Report) -> None:
    for index, step in enumerate(sequence):
        if isinstance(step, dict):
            _check_place(step, index, len(sequence) - 1, report)
        _check_neighbours(sequence, index, report)


def _check_place(step: dict[str, Any], index: int, last: int, report: Report) -> None:
    if step.get("optional") and index in (0, last):
        which = "last" if index else "first"
        message = f"The {which} step cannot be optional: a repetition begins and ends somewhere."
        report.error("step_not_allowed", message, f"{_PATH}[{index}].optional")
    if "within_ms" in step and index == 0:
        message = "The first step has none before it, since which within_ms could be counted."
        report.error("step_not_allowed", message, f"{_PATH}[0].within_ms")


def _check_neighbours(sequence: list[Step], index: int, report: Report) -> None:
    """Report a step that repeats one before it, from which only optional steps divide it."""
    phase = phase_of(sequence[index])
    for before in range(index - 1, -1, -1):
        step = sequence[before]
        if phase is not None and phase_of(step) == phase:
            message = f"The step before this one is {quote(phase)} too; neighbours must differ."
            if before < index - 1:
                message = (
                    f"Without the optional steps between, the step before this one is"
                    f" {quote(phase)} too; neighbours must differ."
                )
            report.error("repeated_step", message, f"{_PATH}[{index}]")
            return
        if not (isinstance(step, dict) and step.get("optional")):
            return
