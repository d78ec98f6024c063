"""How long what did not answer, in a table."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.deploy.faults.streams import Streaming
from tests.deploy.faults.traffic import Request

HEADINGS = (
    "fault",
    "until all went on, s",
    "no request answered, s",
    "requests failed",
    "slowest answer, s",
    "a stream not acknowledged, s",
    "the worst, s",
)


@dataclass(frozen=True)
class Outage:
    """Of one fault, from when it began until everything went on again and the quiet after it."""

    fault: str
    seconds: float
    api_seconds: float
    requests: int
    requests_failed: int
    slowest_answer_seconds: float
    # The longest of each session: their median, and the worst.
    stream_median_seconds: float
    stream_worst_seconds: float
    # Of the sessions that the fault itself held.
    held_seconds: float | None

    def as_row(self) -> str:
        held = "" if self.held_seconds is None else f" (the two: {self.held_seconds:.1f})"
        return row(
            self.fault,
            f"{self.seconds:.1f}",
            f"{self.api_seconds:.2f}",
            f"{self.requests_failed} of {self.requests}",
            f"{self.slowest_answer_seconds:.2f}",
            f"{self.stream_median_seconds:.2f}",
            f"{self.stream_worst_seconds:.2f}{held}",
        )


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def table_head(*headings: str) -> str:
    return f"{row(*headings)}\n{row(*['---'] * len(headings))}"


def outage(
    fault: str,
    began_at: float,
    ended_at: float,
    requests: Sequence[Request],
    streams: Sequence[Streaming],
    held: set[str],
) -> Outage:
    """What there was between two moments; `held` are the ids of sessions that are told apart."""
    answered = sorted(one.ended_at for one in requests if one.is_answered)
    met = [one for one in requests if began_at <= one.ended_at < ended_at]
    waits = {
        one.session_id: longest_wait(one.acknowledged_at, began_at, ended_at) for one in streams
    }
    others = [seconds for session_id, seconds in waits.items() if session_id not in held]
    return Outage(
        fault=fault,
        seconds=ended_at - began_at,
        api_seconds=longest_wait(answered, began_at, ended_at),
        requests=len(met),
        requests_failed=sum(not one.is_answered for one in met),
        slowest_answer_seconds=max(
            (one.ended_at - one.began_at for one in met if one.is_answered), default=0.0
        ),
        stream_median_seconds=statistics.median(others),
        stream_worst_seconds=max(others),
        held_seconds=max((waits[one] for one in held), default=None),
    )


def longest_wait(moments: Sequence[float], began_at: float, ended_at: float) -> float:
    """Between neighbours of ascending `moments`, of which the later one is within the time.

    What is the first of them waits since the last one before.
    """
    first, last = bisect_left(moments, began_at), bisect_right(moments, ended_at)
    known = [*(moments[max(0, first - 1) : last] or [began_at]), ended_at]
    return max(later - earlier for earlier, later in pairwise(known))
