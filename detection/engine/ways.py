"""The way from one turning point to the next in time.

People begin and end a way slowly, where errors of some millimetres hide when. So the places that
the body comes past are noted, and both ends are read off the line through them.
"""

from collections.abc import Sequence
from math import acos, pi
from typing import Final, NamedTuple

# A path has a time in milliseconds and then a place, in so many steps of the gap, for each note.
PLACE_STEPS: Final = 1000
# Beyond this share of the way, at either end, errors are larger than what a place says of the time.
_NEAR_AN_END: Final = 0.1
# A way at a steady pace is told from one that begins and ends slowly by so much better a fit, to so
# many places at least of a way that was gone so far.
_STEADY_SHARE: Final = 0.2
_MIN_PLACES: Final = 8
_WHOLE_SHARE: Final = 0.7


class Way(NamedTuple):
    """The way from one turning point to the next: when it began and when it was over."""

    began_ms: float
    ended_ms: float


class _Fit(NamedTuple):
    way: Way
    error: float


def note(path: list[int], now_ms: float, position: float) -> None:
    path += [int(now_ms), round(position * PLACE_STEPS)]


def last_place(path: Sequence[int], start: float) -> float:
    """The place that was noted last, `start` without any."""
    return path[-1] / PLACE_STEPS if path else start


def way_of(path: Sequence[int], start: float, goal: float) -> Way | None:
    """The way from `start` to `goal`, on which these places were noted; None where none was."""
    whole = goal - start
    if not path or whole == 0.0:
        return None
    times, steady, eased = [], [], []
    for number in range(0, len(path), 2):
        share = (path[number + 1] / PLACE_STEPS - start) / whole
        if _NEAR_AN_END <= share <= 1.0 - _NEAR_AN_END:
            times.append(float(path[number]))
            steady.append(share)
            eased.append(acos(1.0 - 2.0 * share) / pi)
    if len(times) < 2:
        return Way(path[0], path[-2])
    at_a_steady_pace, slow_at_its_ends = _fit(steady, times), _fit(eased, times)
    steady_error = _STEADY_SHARE * slow_at_its_ends.error
    is_whole = steady[-1] > _WHOLE_SHARE
    is_steady = is_whole and len(times) >= _MIN_PLACES and at_a_steady_pace.error < steady_error
    return (at_a_steady_pace if is_steady else slow_at_its_ends).way


def _fit(shares: Sequence[float], times: Sequence[float]) -> _Fit:
    """The line of least squares through the times at which a share of the way was done."""
    count = len(times)
    mean, mean_ms = sum(shares) / count, sum(times) / count
    spread = together = total = 0.0
    for share, ms in zip(shares, times, strict=True):
        spread += (share - mean) ** 2
        together += (share - mean) * (ms - mean_ms)
        total += (ms - mean_ms) ** 2
    pace = together / spread if spread else 0.0
    began_ms = mean_ms - pace * mean
    return _Fit(Way(began_ms, began_ms + pace), total - pace * together)
