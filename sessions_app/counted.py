"""What a session has counted: completions, attempts by reason, and how far each measure went."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from kynaplatform.api.schemas import said

# The engine's own summary, in the summary that is stored.
COUNTED: Final = "counted"
TIMES_EXAMPLE: Final = {
    "mean": {"out_ms": 1050, "stay_ms": 200, "back_ms": 1010},
    "last": {
        "out_ms": 1090,
        "stay_ms": 130,
        "back_ms": 990,
        "times": {"began_ms": 9800, "reached_ms": 10890, "left_ms": 11020, "ended_ms": 12010},
    },
}


class MeasureSummary(msgspec.Struct, omit_defaults=True):
    """One measure over all repetitions, in degrees."""

    best: Annotated[
        float | None,
        said("The farthest from where a repetition ends; null for what carries nothing.", 84.2),
    ]
    mean: Annotated[
        float,
        said("The mean of each repetition's farthest, or of the middle of its range.", 91.7),
    ]
    least: Annotated[float, said("The least of all repetitions.", 84.2)]
    most: Annotated[float, said("The most of all repetitions.", 174.0)]
    uncertain: Annotated[
        bool, said("True where a repetition was filmed from where its degrees don't hold.")
    ] = False

    def __post_init__(self) -> None:
        """A tenth of a degree, whatever has stored it."""
        if self.best is not None:
            self.best = round(self.best, 1)
        self.mean, self.least, self.most = (
            round(degrees, 1) for degrees in (self.mean, self.least, self.most)
        )


class CheckSummary(msgspec.Struct):
    """How often a check was met and missed, of the completions and attempts that show it."""

    met: Annotated[int, said("In how many it was met.", 10)]
    missed: Annotated[int, said("In how many it was missed.", 2)]


class RepetitionTimes(msgspec.Struct):
    """The times of a repetition, in the frames' milliseconds; null where not known."""

    began_ms: Annotated[int | None, said("The way out begins.", 9800)]
    reached_ms: Annotated[int | None, said("The far end is reached.", 10890)]
    left_ms: Annotated[int | None, said("The far end is left.", 11020)]
    ended_ms: Annotated[int | None, said("The way back is over.", 12010)]


class RepetitionParts(msgspec.Struct):
    """How long the parts of a repetition take, in milliseconds; null where not known."""

    out_ms: Annotated[int | None, said("The way out.", 1090)]
    stay_ms: Annotated[int | None, said("The stay at the far end.", 130)]
    back_ms: Annotated[int | None, said("The way back.", 990)]


class TimedRepetition(RepetitionParts):
    """A repetition with its times and its parts."""

    times: RepetitionTimes


class TimesSummary(msgspec.Struct):
    """The true times of the repetitions."""

    mean: RepetitionParts
    last: Annotated[
        TimedRepetition | None,
        msgspec.Meta(description="The last repetition; null where its times are not known."),
    ]


class MovementSummary(msgspec.Struct):
    """What was counted of one movement."""

    completed: Annotated[int, said("How many were completed.", 12)]
    attempts: Annotated[
        dict[str, int], said("How many did not count, by their reason.", {"not_reached": 2})
    ]
    by_side: Annotated[
        dict[str, int] | None,
        said("The completions of each side; null where sides are not counted apart.", None),
    ]
    measures: Annotated[
        dict[str, MeasureSummary],
        said(
            "By name, such as `joint.knee`.",
            {"joint.knee": {"best": 84.2, "mean": 91.7, "least": 84.2, "most": 174.0}},
        ),
    ]
    longest_ms: Annotated[float | None, said("The longest hold; null for repetitions.", None)]
    total_ms: Annotated[float | None, said("All holds together; null for repetitions.", None)]
    checks: Annotated[
        dict[str, CheckSummary],
        said("By the name of the check.", {"depth": {"met": 10, "missed": 2}}),
    ] = msgspec.field(default_factory=dict)
    times: Annotated[
        TimesSummary | None,
        said(
            "The mean of each part of the repetitions, and the times of the last; null for holds.",
            TIMES_EXAMPLE,
        ),
    ] = None

    def __post_init__(self) -> None:
        """Whole milliseconds: the engine counts in the fractions of its frames."""
        if self.longest_ms is not None:
            self.longest_ms = round(self.longest_ms)
        if self.total_ms is not None:
            self.total_ms = round(self.total_ms)


def counted_of(summary: Mapping[str, Any] | None) -> dict[str, MovementSummary] | None:
    """What a session's stored summary tells, by event_key. None where it has none, as of a session
    without a frame, or one that older code ran."""
    counted = (summary or {}).get(COUNTED)
    return None if counted is None else msgspec.convert(counted, dict[str, MovementSummary])
