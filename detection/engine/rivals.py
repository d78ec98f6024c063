"""The rivals: phases that can never hold together."""

from collections.abc import Sequence

from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan


def keepers_of(plan: CounterPlan, trackers: Sequence[PhaseTracker]) -> list[list[PhaseTracker]]:
    """For each phase those of its rivals that keep it out: one that the sequence does not use keeps
    out none that it uses."""
    sequence = plan.spec.sequence
    return [
        [
            trackers[number]
            for number in rivals
            if trackers[number].name in sequence or tracker.name not in sequence
        ]
        for tracker, rivals in zip(trackers, plan.rivals, strict=True)
    ]


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
