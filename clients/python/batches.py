"""The batches of a client: a camera's poses, and its clock once nobody is seen.

A moment is a pose, or the time of a frame in which no pose was found.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from clients.python.wire import Pose

# After this time without a pose, a clock makes the engine lose it: docs/streaming.md.
GONE_MS: Final = 2000.0

Moment = Pose | float


def needed_moments(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The poses, and one time of each stretch without a pose.

    That is the first time at which the last pose is lost or, if the moments end before, the last
    one. So the engine gets the same clocks however the moments are batched, and no more than it
    needs.
    """
    seen_ms: float | None = None
    unsent_ms: float | None = None
    for moment in moments:
        if not isinstance(moment, int | float):
            seen_ms, unsent_ms = moment.timestamp_ms, None
            yield moment
        elif seen_ms is not None:
            unsent_ms = moment
            if moment - seen_ms >= GONE_MS:
                seen_ms = unsent_ms = None
                yield moment
    if unsent_ms is not None:
        yield unsent_ms


def batches_of(
    moments: Iterable[Moment], max_poses: int
) -> Iterator[tuple[list[Pose], float | None]]:
    """Batches of at most `max_poses`, each with the clock that ends it, or None."""
    poses: list[Pose] = []
    for moment in needed_moments(moments):
        clock_ms = None
        if isinstance(moment, int | float):
            clock_ms = moment
        else:
            poses.append(moment)
        if clock_ms is not None or len(poses) == max_poses:
            yield poses, clock_ms
            poses = []
    if poses:
        yield poses, None
