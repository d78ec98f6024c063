"""What a session counted in all, by movement: how many, and why tries did not count.

It is of the stored summary, and so of the whole session, however long that was.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sessions_app.attempt_words import REASONS
from sessions_app.counted import counted_of
from staff.display import duration


class MovementTries(NamedTuple):
    """`missed` has the reasons, each with its words, the API's word and how often it was."""

    name: str
    completed: int
    sides: Sequence[tuple[str, int]]
    longest: str
    missed: Sequence[tuple[str, str, int]]


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
        )
        for name, one in (counted_of(stored) or {}).items()
    ]
