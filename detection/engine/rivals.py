"""The rivals: phases that can never hold together."""

from collections.abc import Sequence

from detection.engine.phases import PhaseTracker


def exclusive(
    entered: Sequence[PhaseTracker], rivals: Sequence[Sequence[int]]
) -> list[PhaseTracker]:
    """Of phases entered at once that can't hold together, the first in the document."""
    kept: list[PhaseTracker] = []
    for phase in entered:
        if any(other.number in rivals[phase.number] for other in kept):
            phase.leave()
        else:
            kept.append(phase)
    return kept


def ended_by(
    begun: Sequence[PhaseTracker],
    trackers: Sequence[PhaseTracker],
    rivals: Sequence[Sequence[int]],
) -> list[PhaseTracker]:
    """End the phases that can't hold together with those that have begun."""
    ended = []
    for phase in begun:
        for number in rivals[phase.number]:
            rival = trackers[number]
            if rival.holds and rival not in begun:
                rival.leave()
                ended.append(rival)
    return ended
