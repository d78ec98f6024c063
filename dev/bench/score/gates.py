"""The part `gates`: what each gate of the catalogue costs and saves, on and off.

A gate asks for the same in every phase. It stays only where it costs no recording of its exercise.
"""

from dataclasses import replace

from detection import Criterion, MoveSpec

from .engine_runs import Run, Workers, catalogue
from .negatives import EXEMPT, RESTS, false_a_minute
from .samples import DATASETS, Sample
from .tables import Cell, Table


def tables(workers: Workers) -> list[Table]:
    gates = [
        (exercise, spec, gate) for exercise, spec in catalogue().items() for gate in gates_of(spec)
    ]
    with_it = false_a_minute(workers, [(exercise, spec) for exercise, spec, _ in gates])
    without_it = false_a_minute(
        workers, [(exercise, without_gate(spec, gate)) for exercise, spec, gate in gates]
    )
    rows: list[tuple[Cell, ...]] = []
    for (exercise, spec, gate), rate, rate_without in zip(gates, with_it, without_it, strict=True):
        samples = [one for one in workers.samples if one.exercise == exercise]
        without = without_gate(spec, gate)
        lost = [_lost(workers, samples, dataset, spec, without) for dataset in DATASETS]
        rows.append((f"{exercise}: {_told(gate)}", *lost, rate, rate_without))
    return [
        Table(
            key="gates",
            title="Gates of the catalogue: recordings within one that each costs, and false"
            " repetitions a minute with and without it"
            f" ({', '.join(RESTS)}; {EXEMPT[0]} not for {', '.join(EXEMPT[1])})",
            columns=(
                "gate",
                *(f"costs of {dataset}" for dataset in DATASETS),
                "false a minute",
                "without it",
            ),
            rows=rows,
        )
    ]


def gates_of(spec: MoveSpec) -> list[Criterion]:
    """The criteria that every phase of a repetition has alike."""
    if spec.type == "hold":
        return []
    first, *others = spec.phases
    return [c for c in first.criteria if all(c in phase.criteria for phase in others)]


def without_gate(spec: MoveSpec, gate: Criterion) -> MoveSpec:
    return replace(
        spec,
        phases=tuple(
            replace(phase, criteria=tuple(c for c in phase.criteria if c != gate))
            for phase in spec.phases
        ),
    )


def _lost(
    workers: Workers, samples: list[Sample], dataset: str, spec: MoveSpec, without: MoveSpec
) -> int:
    """How many recordings are within one without the gate, and not with it."""
    own = [one for one in samples if one.dataset == dataset]
    completed = workers.count(Run(one.name, each) for one in own for each in (spec, without))

    def is_right(one: Sample, each: MoveSpec) -> bool:
        return abs(len(completed[Run(one.name, each)]) - one.count) <= 1

    return sum(is_right(one, without) and not is_right(one, spec) for one in own)


def _told(gate: Criterion) -> str:
    side = f"{gate.side} " if gate.side else ""
    return f"{side}{gate.measure} {gate.minimum:g} to {gate.maximum:g}"
