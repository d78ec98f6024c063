"""The summary of a session: what it counted, and how well its frames showed the person."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from detection import QualityReason
from kynaplatform.api.schemas import doc

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
        doc("The farthest from where a repetition ends; null for what carries nothing.", 84.2),
    ]
    mean: Annotated[
        float,
        doc("The mean of each repetition's farthest, or of the middle of its range.", 91.7),
    ]
    least: Annotated[float, doc("The least of all repetitions.", 84.2)]
    most: Annotated[float, doc("The most of all repetitions.", 174.0)]
    uncertain: Annotated[
        bool, doc("True where a repetition was filmed from where its degrees don't hold.")
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

    met: Annotated[int, doc("In how many it was met.", 10)]
    missed: Annotated[int, doc("In how many it was missed.", 2)]


class RepetitionTimes(msgspec.Struct):
    """The times of a repetition, in the frames' milliseconds; null where not known."""

    began_ms: Annotated[int | None, doc("The way out begins.", 9800)]
    reached_ms: Annotated[int | None, doc("The far end is reached.", 10890)]
    left_ms: Annotated[int | None, doc("The far end is left.", 11020)]
    ended_ms: Annotated[int | None, doc("The way back is over.", 12010)]


class RepetitionParts(msgspec.Struct):
    """How long the parts of a repetition take, in milliseconds; null where not known."""

    out_ms: Annotated[int | None, doc("The way out.", 1090)]
    stay_ms: Annotated[int | None, doc("The stay at the far end.", 130)]
    back_ms: Annotated[int | None, doc("The way back.", 990)]


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

    completed: Annotated[int, doc("How many were completed.", 12)]
    attempts: Annotated[
        dict[str, int], doc("How many did not count, by their reason.", {"not_reached": 2})
    ]
    by_side: Annotated[
        dict[str, int] | None,
        doc("The completions of each side; null where sides are not counted apart.", None),
    ]
    measures: Annotated[
        dict[str, MeasureSummary],
        doc(
            "By name, such as `joint.knee`.",
            {"joint.knee": {"best": 84.2, "mean": 91.7, "least": 84.2, "most": 174.0}},
        ),
    ]
    longest_ms: Annotated[float | None, doc("The longest hold; null for repetitions.", None)]
    total_ms: Annotated[float | None, doc("All holds together; null for repetitions.", None)]
    checks: Annotated[
        dict[str, CheckSummary],
        doc("By the name of the check.", {"depth": {"met": 10, "missed": 2}}),
    ] = msgspec.field(default_factory=dict)
    times: Annotated[
        TimesSummary | None,
        doc(
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
    """What a session counted, by event_key; None without a frame, or where older code ran it."""
    counted = (summary or {}).get(COUNTED)
    return None if counted is None else msgspec.convert(counted, dict[str, MovementSummary])


# Reasons with a smaller share of the session are not named.
MIN_NAMED: Final = 0.05
# Below this a count is off by more than one about as often as not.
DOUBTED_BELOW: Final = 0.87


def _share(text: str) -> msgspec.Meta:
    return msgspec.Meta(ge=0, le=1, description=text)


class Quality(msgspec.Struct):
    """How much of a session could be counted. Below 0.87, doubt the count."""

    seen_share: Annotated[
        float, _share("The share of the time in which the movement was seen; two decimals.")
    ]
    completed_share: Annotated[
        float,
        _share(
            "The share of the movement that completed repetitions account for; two"
            " decimals. 1 of holds, in which nothing moves."
        ),
    ]
    countable_share: Annotated[float, _share("The one times the other; rounded to two decimals.")]
    reasons: Annotated[
        list[QualityReason],
        msgspec.Meta(
            description=f"What took at least {MIN_NAMED} of it: the greatest share first."
        ),
    ]


def quality_of(summary: Mapping[str, Any] | None) -> Quality | None:
    """The quality of a session; None without two frames, or where older code ran it."""
    shares = shares_of((summary or {}).get("quality", {}))
    if shares is None:
        return None
    incomplete = shares[QualityReason.INCOMPLETE_MOVEMENTS]
    unseen = sum(shares.values()) - incomplete
    named = [reason for reason in QualityReason if shares[reason] >= MIN_NAMED]
    named.sort(key=lambda reason: -shares[reason])
    seen, completed = 1.0 - unseen, 1.0 - incomplete
    return Quality(round(seen, 2), round(completed, 2), round(seen * completed, 2), named)


def shares_of(state: Mapping[str, Any]) -> dict[QualityReason, float] | None:
    """The share of the time or movement that each reason took; None where no time has passed.

    `state` is that of the engine's `SessionQuality`.
    """
    time_ms = state.get("time_ms", 0.0)
    if not time_ms:
        return None
    shares = {reason: state["unseen_ms"].get(reason, 0.0) / time_ms for reason in QualityReason}
    if not state["completions"]:
        shares[QualityReason.OUT_OF_VIEW] = state.get("out_of_view_ms", 0.0) / time_ms
    moved, uncounted = state["moved"], state["uncounted"]
    for _, _, _, gone, least, most in state["paths"]:
        moved += gone
        # One way, since the last completion.
        uncounted += max(0, gone - max(0, most - least))
    if state["completions"]:
        # A count may be off by one: a whole repetition may be missing.
        uncounted -= state["counted"] / state["completions"]
    shares[QualityReason.INCOMPLETE_MOVEMENTS] = max(0.0, uncounted) / moved if moved else 0.0
    return shares
