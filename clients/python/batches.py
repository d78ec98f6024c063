"""The batches of a client: the poses of a camera, and the clock once nobody is seen.

A moment is a pose, or the time alone of a frame in which no pose was found.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from clients.python.wire import Pose

# The time without a pose after which a clock makes the engine lose it: docs/streaming.md.
GONE_MS: Final = 2000.0

Moment = Pose | float


class ClientBatch(NamedTuple):
    """One batch to send. `clock_ms` is how far time has come after the poses, None for no clock."""

    poses: list[Pose]
    clock_ms: float | None


def worth_telling(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The poses, and one time of each stretch without a pose.

    That is the first time at which the last pose is lost, or the last time if the moments end
    before. So the engine gets the same clocks whatever the batches, and no more than it needs.
    """
    seen_ms: float | None = None
    untold_ms: float | None = None
    for moment in moments:
        if not isinstance(moment, int | float):
            seen_ms, untold_ms = moment.timestamp_ms, None
            yield moment
        elif seen_ms is not None:
            untold_ms = moment
            if moment - seen_ms >= GONE_MS:
                seen_ms = untold_ms = None
                yield moment
    if untold_ms is not None:
        yield untold_ms


def batches_of(moments: Iterable[Moment], most_poses: int) -> Iterator[ClientBatch]:
    """Batches of up to `most_poses`. A batch also ends at a clock."""
    poses: list[Pose] = []
    for moment in worth_telling(moments):
        clock_ms = None
        if isinstance(moment, int | float):
            clock_ms = moment
        else:
            poses.append(moment)
        if clock_ms is not None or len(poses) == most_poses:
            yield ClientBatch(poses, clock_ms)
            poses = []
    if poses:
        yield ClientBatch(poses, None)
