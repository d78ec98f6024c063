"""What a session counted in all, by movement: how many, and why tries did not count.

It is of the stored summary, and so of the whole session, however long that was.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from msgspec.structs import astuple

from sessions_app.attempt_words import REASONS
from sessions_app.counted import TimedRepetition, counted_of
from staff.display import duration
from staff.session_repetitions import parts_words


class MovementTries(NamedTuple):
    """`missed` has the reasons, each with its words, the API's word and how often it was; `checks`
    each check's name, how often it was met and of how many, and the share of that."""

    name: str
    completed: int
    sides: Sequence[tuple[str, int]]
    longest: str
    missed: Sequence[tuple[str, str, int]]
    checks: Sequence[tuple[str, str, str]]
    # The mean of each way out, stay and way back.
    parts: str
    last: TimedRepetition | None


def tries(stored: Mapping[str, Any] | None) -> list[MovementTries]:
    return [
        MovementTries(
            name,
            one.completed,
            list((one.by_side or {}).items()),
            "" if one.longest_ms is None else duration(timedelta(milliseconds=one.longest_ms)),
            [
                (REASONS.get(reason, reason.replace("_", " ").capitalize()), reason, times)
                for reason, times in Counter(one.attempts).most_common()
            ],
            [(check, *_share(of.met, of.met + of.missed)) for check, of in one.checks.items()],
            parts_words(astuple(one.times.mean)) if one.times else "",
            one.times.last if one.times else None,
        )
        for name, one in (counted_of(stored) or {}).items()
    ]


def _share(met: int, judged: int) -> tuple[str, str]:
    return (f"met {met} of {judged}", f"{met / judged:.0%}") if judged else ("not judged", "")
