"""Snapshots of form 3, the form of the release of 2026-11-28, in today's form.

It stored parts by name and left out what was as at the start. It kept ±999 for an unknown range,
had the stillness of the last step, and ways in degrees. It knew of a repetition only its score.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from detection.engine.body import Body
from detection.engine.plan import CounterPlan, Plan
from detection.engine.states import SNAPSHOT_FORM, Snapshot
from detection.spec import REASONS

FORM: Final = 3
_UNKNOWN: Final = 999.0

# The names of each kind of part, each with its value at the start, in the order of today's states.
_SEGMENT = {"length": 0.0, "depth": 0.0, "longer": 0.0}
_ANGLE = {"degrees": None, "weight": 0.0, "seen": 0.0, "last": 0.0, "doubted": None, "unseen": 0.0}
_LEAD = {"side": 0, "ahead": 0, "since_ms": 0.0}
_CONDITIONS = {"failing_since_ms": None}
_TRACKING = {"jumps": 0.0, "is_lost": False, "before": [], "doubted": []}
_STILLNESS: dict[str, Any] = {"least": [], "most": []}
_SWING: dict[str, Any] = {
    "end": 0,
    "since_ms": None,
    "farthest": 0.0,
    "farthest_parts": [],
    "origin": 0.0,
    "way": 0,
    "turns": 0,
    "top": None,
    "bottom": None,
    "recent": [],
}
_PHASE = {"holds": False, "cues_sent": 0, "since_ms": None, "reach": 1.0}
# What form 3 remembered of a phase, and today's engine has no use for.
_GONE = frozenset({"is_ousted"})
_REPETITION = {"step": None, "steps_before": 0.0, "this_step": 0.0}


def converted(snapshot: Snapshot, body: Body, plan: Plan, completed: int) -> Snapshot:
    """The snapshot in today's form. `completed` is how many were completed before it.

    Raises ValueError for a snapshot that form 3 can't have.
    """
    (counter,) = plan.counters
    try:
        return {
            "form": SNAPSHOT_FORM,
            "last_ms": snapshot["last_ms"],
            "usable_ms": snapshot["usable_ms"],
            "parts": _parts(snapshot, body, counter, completed),
        }
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"Not a snapshot of form {FORM}: {error!r}.") from error


def _parts(
    snapshot: Mapping[str, Any], body: Body, counter: CounterPlan, completed: int
) -> list[Any]:
    last_ms = snapshot["last_ms"]
    named = {of: _in_order(snapshot[of], names) for of, names in body.names().items()}
    (failing_since_ms,) = _values(snapshot["conditions"], _CONDITIONS)
    swings = [_values(one, _SWING) for one in snapshot["swings"]]
    phases = [_values(one, _PHASE, _GONE) for one in snapshot["phases"]]
    if (len(swings), len(phases)) != (len(counter.motions), len(counter.spec.phases)):
        raise ValueError("Not a snapshot of so many swings and phases.")
    measures, cues = len(counter.directions), len(counter.spec.feedback)
    return [
        *(_values(one, _SEGMENT) for one in named["segments"]),
        *(_values(one, _ANGLE) for one in named["angles"]),
        *(_values(one, _LEAD) for one in named["leads"]),
        _tracking(snapshot["tracking"]["landmarks"]),
        [
            [0, 0, completed],
            [0] * len(REASONS),
            [None] * measures,
            [None] * measures,
            [0] * measures,
            [0] * measures,
            [],
            [],
            [0] * measures,
            [0, 0, 0],
            [0, 0, 0],
            [],
            0.0,
            0.0,
        ],
        [[0] * cues, [None] * cues],
        [0],
        [[failing_since_ms] * min(len(counter.conditions), 1)],
        _stillness(snapshot["stillness"], len(body.deciding_signals)),
        [*[[None] * measures] * 4, 0, 0, 0, 0],
        *(
            _swing(values, [angle.gap for angle in motion.angles], last_ms or 0.0)
            for values, motion in zip(swings, counter.motions, strict=True)
        ),
        [None, None, [], False, False],
        *(_phase(values, last_ms or 0.0) for values in phases),
        [[], []],
        _cues(phases),
        _repetition(_values(snapshot["repetition"], _REPETITION), last_ms),
    ]


def _in_order(parts: Mapping[str, Any], names: list[str]) -> list[Mapping[str, Any]]:
    """The parts in the order of their names, which jsonb has not kept."""
    if parts.keys() != set(names):
        raise ValueError(f"Not a snapshot of {', '.join(names)}.")
    return [parts[name] for name in names]


def _values(
    fields: Mapping[str, Any], defaults: Mapping[str, Any], gone: frozenset[str] = frozenset()
) -> list[Any]:
    if unknown := fields.keys() - defaults.keys() - gone:
        raise ValueError(f"Names that form {FORM} does not know: {', '.join(sorted(unknown))}.")
    return [fields.get(name, default) for name, default in defaults.items()]


def _tracking(fields: Mapping[str, Any]) -> list[Any]:
    jumps, is_lost, before, doubted = _values(fields, _TRACKING)
    return [jumps, is_lost, _places(before), _places(doubted)]


def _places(places: list[list[float]]) -> list[float | None]:
    """The places of landmarks one after another; a hidden one was stored as none at all."""
    return [number for place in places for number in (place or (None, None))]


def _stillness(fields: Mapping[str, Any], angles: int) -> list[list[float | None]]:
    return [
        [None if abs(degrees) == _UNKNOWN else degrees for degrees in degrees_of_each]
        or [None] * angles
        for degrees_of_each in _values(fields, _STILLNESS)
    ]


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


def _phase(values: Sequence[Any], last_ms: float) -> list[Any]:
    """The values of a phase, which waits for no movement."""
    holds, _, since_ms, reach = values
    return [holds, last_ms, 0, since_ms, reach, False, None, -1]


def _cues(phases: Sequence[Sequence[Any]]) -> list[Any]:
    sent = 0
    for _, of_phase, *_ in phases:
        sent |= of_phase
    return [sent, []]


def _repetition(values: Sequence[Any], last_ms: float | None) -> list[Any]:
    step, steps_before, this_step = values
    done = list(range(1, (step or 0) + 1))
    of_the_last = last_ms if done else None
    return [
        *(step, steps_before, this_step, None, of_the_last, None, None, None),
        done,
        [last_ms] * len(done),
    ]
