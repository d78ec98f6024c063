"""Snapshots of form 3, the last before states had types: read by the names that it stored.

It left out what was as at the start, kept ±999 for a range that was not known, and the range of the
stillness was of the last step.
"""

from collections.abc import Mapping
from typing import Any, Final

FORM: Final = 3
_UNKNOWN: Final = 999.0

# The names of each kind of part, each with its value at the start, in the order of today's states.
_SEGMENT = {"length": 0.0, "depth": 0.0, "longer": 0.0}
_ANGLE = {
    "degrees": None,
    "weight": 0.0,
    "seen": 0.0,
    "last": 0.0,
    "doubted": None,
    "unseen": 0.0,
}
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
_GONE = {"is_ousted"}
_REPETITION = {"step": None, "steps_before": 0.0, "this_step": 0.0}


def converted(
    snapshot: Mapping[str, Any], names: Mapping[str, list[str]], deciding: int
) -> dict[str, Any]:
    """The snapshot in today's form. `names` are those of the `segments`, `angles` and `leads`, and
    `deciding` is how many angles phases ask for.

    Raises ValueError for a snapshot that form 3 can't have.
    """
    try:
        named = {of: _in_order(snapshot[of], names[of]) for of in ("segments", "angles", "leads")}
        return {
            "form": FORM + 1,
            "last_ms": snapshot["last_ms"],
            "usable_ms": snapshot["usable_ms"],
            "parts": [
                *(_values(one, _SEGMENT) for one in named["segments"]),
                *(_values(one, _ANGLE) for one in named["angles"]),
                *(_values(one, _LEAD) for one in named["leads"]),
                _tracking(snapshot["tracking"]["landmarks"]),
                _values(snapshot["conditions"], _CONDITIONS),
                _stillness(snapshot["stillness"], deciding),
                *(_values(one, _SWING) for one in snapshot["swings"]),
                *(_phase(one) for one in snapshot["phases"]),
                _values(snapshot["repetition"], _REPETITION),
            ],
        }
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"Not a snapshot of form {FORM}: {error!r}.") from error


def _in_order(parts: Mapping[str, Any], names: list[str]) -> list[Mapping[str, Any]]:
    """The parts in the order of their names, which jsonb has not kept."""
    if parts.keys() != set(names):
        raise ValueError(f"Not a snapshot of {', '.join(names)}.")
    return [parts[name] for name in names]


def _values(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Any]:
    if unknown := fields.keys() - defaults.keys():
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


def _phase(fields: Mapping[str, Any]) -> list[Any]:
    """The values of a phase, which waits for no movement."""
    kept = {name: value for name, value in fields.items() if name not in _GONE}
    return [*_values(kept, _PHASE), False]
