"""Snapshots of form 4, the last before the language's second part, in today's form.

Its ways were in degrees, and nothing was told of a repetition but its score.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from detection.spec import REASONS

FORM: Final = 4


class Sizes(NamedTuple):
    """How many parts of each kind a MoveSpec has, and how much each remembers."""

    body: int
    conditions: int
    gaps: Sequence[Sequence[float]]
    phases: int
    measures: int
    cues: int


def converted(snapshot: Mapping[str, Any], sizes: Sizes, completed: int) -> dict[str, Any]:
    """The snapshot in today's form. Raises ValueError for one that form 4 can't have."""
    try:
        parts = list(snapshot["parts"])
        last_ms = snapshot["last_ms"]
        if len(parts) != sizes.body + 3 + len(sizes.gaps) + sizes.phases:
            raise ValueError("Not a snapshot of so many parts.")
        body = parts[: sizes.body]
        ((failing_since_ms,), stillness) = parts[sizes.body : sizes.body + 2]
        swings = parts[sizes.body + 2 : -1 - sizes.phases]
        phases = parts[-1 - sizes.phases : -1]
        step, steps_before, this_step = parts[-1]
        done = list(range(1, (step or 0) + 1))
        return {
            "form": FORM + 1,
            "last_ms": last_ms,
            "usable_ms": snapshot["usable_ms"],
            "parts": [
                *body,
                [
                    [0, 0, completed],
                    [0] * len(REASONS),
                    [None] * sizes.measures,
                    [None] * sizes.measures,
                    [0] * sizes.measures,
                    [0] * sizes.measures,
                    [],
                    [],
                    [0] * sizes.measures,
                    [0, 0, 0],
                    [0, 0, 0],
                    [],
                    0.0,
                    0.0,
                ],
                [[0] * sizes.cues, [None] * sizes.cues],
                [0],
                [[failing_since_ms] * sizes.conditions],
                stillness,
                [*[[None] * sizes.measures] * 4, 0, 0, 0, 0],
                *(
                    _swing(values, gaps, last_ms or 0.0)
                    for values, gaps in zip(swings, sizes.gaps, strict=True)
                ),
                [None, None, [], False, False],
                *(_phase(values, last_ms) for values in phases),
                [[], []],
                _cues(phases),
                [
                    step,
                    steps_before,
                    this_step,
                    None,
                    last_ms if done else None,
                    None,
                    None,
                    None,
                    done,
                    [last_ms] * len(done),
                ],
            ],
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"Not a snapshot of form {FORM}: {error!r}.") from error


def _swing(values: Sequence[Any], gaps: Sequence[float], last_ms: float) -> list[Any]:
    """The ways as shares: `gaps` are those of the carriers."""
    end, since_ms, farthest, parts, origin, way, turns, top, bottom, recent = values
    gap = sum(gaps)
    return [
        end,
        since_ms,
        farthest / gap,
        [part / of for part, of in zip(parts, gaps, strict=bool(parts))],
        origin / gap,
        way,
        turns,
        None if top is None else top / gap,
        None if bottom is None else bottom / gap,
        [swing / gap for swing in recent],
        None,
        0.0,
        [],
        0.0,
        end != 0,
        [],
        farthest / gap,
        farthest / gap,
        [],
        farthest / gap,
        last_ms,
        0.0,
        0,
    ]


def _phase(values: Sequence[Any], last_ms: float | None) -> list[Any]:
    holds, _, since_ms, reach, awaits_movement = values
    return [holds, last_ms or 0.0, 0, since_ms, reach, awaits_movement, None, -1]


def _cues(phases: Sequence[Sequence[Any]]) -> list[Any]:
    sent = 0
    for _, of_phase, *_ in phases:
        sent |= of_phase
    return [sent, []]
