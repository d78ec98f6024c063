"""The attempts at a step: a way to the next end that was given up, and a stay there that met no
phase."""

from collections.abc import Iterator, Sequence

from detection.engine.held_carriers import END
from detection.engine.phases import PhaseTracker
from detection.engine.plan import criterion_path
from detection.engine.repetition import Interrupted, Repetition
from detection.engine.swing import Swing
from detection.spec import Detail, Measure, MoveSpec


def attempts(
    swing: Swing,
    phases: Sequence[PhaseTracker],
    repetition: Repetition,
    spec: MoveSpec,
    beside: Repetition | None,
) -> Iterator[Interrupted]:
    """The attempts that this frame of a swing ends. The side that rests while a repetition of the
    one `beside` it goes on has not tried."""
    is_midway = bool(repetition.step)
    turned = swing.turned_back
    if (
        turned is not None
        and not _goes_back(swing, turned.from_end, repetition, spec)
        and not _rests(beside, turned.since_ms)
    ):
        phase = _awaited(swing, -turned.from_end, phases, repetition)
        if phase is not None:
            path = _path_of(phase, turned.measure, spec)
            yield Interrupted(
                "not_reached",
                path,
                turned.by,
                is_under_way=is_midway,
                step=repetition.number_of(phase.name),
                detail=turned.detail,
            )
    if swing.unmet and not _rests(beside, swing.unmet_ms):
        phase = _awaited(swing, swing.unmet, phases, repetition)
        if phase is not None and phase.missed_by is not None:
            by: float | None = phase.missed_by
            detail: Detail = "too_low"
            if phase.missed_gate >= 0:
                path = criterion_path(phase.number, phase.missed_gate)
            else:
                path, by = _path_of(phase, swing.travel.carriers[0].measure, spec), None
                detail = "too_short"
            yield Interrupted(
                "not_reached",
                path,
                by,
                is_under_way=is_midway,
                step=repetition.number_of(phase.name),
                detail=detail,
            )


def _rests(beside: Repetition | None, since_ms: float) -> bool:
    return beside is not None and beside.went_on_since(since_ms)


def _names_at(swing: Swing, end: int) -> frozenset[str]:
    return swing.travel.end if end == END else swing.travel.start


def _goes_back(swing: Swing, end: int, repetition: Repetition, spec: MoveSpec) -> bool:
    """Whether the body goes back behind the step reached: the entry there will say so."""
    step = repetition.step
    return bool(step) and spec.steps[step or 0].phase not in _names_at(swing, end)


def _awaited(
    swing: Swing, end: int, phases: Sequence[PhaseTracker], repetition: Repetition
) -> PhaseTracker | None:
    """The phase at an end that would do a step."""
    for phase in phases:
        if phase.name in _names_at(swing, end) and repetition.step_of(phase.name) is not None:
            return phase
    return None


def _path_of(phase: PhaseTracker, measure: Measure, spec: MoveSpec) -> str:
    criteria = spec.phases[phase.number].criteria
    numbers = [n for n, criterion in enumerate(criteria) if criterion.measure == measure]
    return criterion_path(phase.number, numbers[0])
