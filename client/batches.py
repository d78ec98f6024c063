"""What a camera shows, as a client sends it: poses in batches, and the clock once nobody is there.

A moment is a pose, or the time alone of a frame in which none was found.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from client.pose import Pose

# After so long the engine loses a pose by a clock, as docs/streaming.md says.
GONE_MS: Final = 2000.0

Moment = Pose | float


class ClientBatch(NamedTuple):
    """`clock_ms` is how far time has come after the poses, None where nothing is to be told."""

    poses: list[Pose]
    clock_ms: float | None


def worth_telling(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The poses, and of each stretch without one the first time by which the last pose is lost;
    of one that ends the moments before that, the last time.

    So the engine is told of the same times whatever the batches, and of no more than it needs.
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
    """Batches of up to `most_poses`; one ends where there is a time to tell."""
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
