"""Cross-validation: the way that a person is counted is chosen on all other people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from detection import EngineSettings, MoveSpec

from .engine_runs import Completions, Run, Workers
from .matches import tally
from .samples import Sample


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to count an exercise. One engine counts all exercises, so its settings are chosen
    for all of them together, and then the MoveSpec for each by itself."""

    exercise: str
    settings: EngineSettings
    spec: MoveSpec


# Less is better: recordings not within one, not exact, and wrong repetitions as shares of the
# marked ones.
Cost = tuple[float, float, float]
NOTHING: Cost = (0.0, 0.0, 0.0)


def cross_validated(
    samples: Sequence[Sample], choices: Sequence[Choice], workers: Workers
) -> dict[str, Completions]:
    """The completions of each recording by the choice that does best on all other people. Of equals
    the first is taken; recordings known to be bad choose nothing."""
    of_exercise = defaultdict(list)
    for sample in samples:
        of_exercise[sample.exercise].append(sample)
    choices = [choice for choice in choices if choice.exercise in of_exercise]
    completed = workers.count(
        Run(sample.name, choice.spec, choice.settings)
        for choice in choices
        for sample in of_exercise[choice.exercise]
    )
    costs = {
        choice: [
            (sample.person, cost(completed[Run(sample.name, choice.spec, choice.settings)], sample))
            for sample in of_exercise[choice.exercise]
            if not sample.is_bad
        ]
        for choice in choices
    }
    validated = {}
    for person in {sample.person for sample in samples}:
        chosen = choose(costs, person)
        for sample in samples:
            if sample.person == person:
                choice = chosen[sample.exercise]
                validated[sample.name] = completed[Run(sample.name, choice.spec, choice.settings)]
    return validated


def choose(costs: Mapping[Choice, Sequence[tuple[str, Cost]]], left_out: str) -> dict[str, Choice]:
    """The best choice for each exercise, all with the same settings, without one person. `costs`
    has those of each choice as (person, cost)."""
    best: dict[EngineSettings, dict[str, tuple[Cost, Choice]]] = {}
    for choice, by_person in costs.items():
        total = _sum(cost for person, cost in by_person if person != left_out)
        of_settings = best.setdefault(choice.settings, {})
        if choice.exercise not in of_settings or total < of_settings[choice.exercise][0]:
            of_settings[choice.exercise] = (total, choice)
    winner = min(best.values(), key=lambda chosen: _sum(cost for cost, _ in chosen.values()))
    return {exercise: choice for exercise, (_, choice) in winner.items()}


def cost(completions: Completions, sample: Sample) -> Cost:
    one = tally(completions, sample)
    error = abs(one.error)
    wrong = error
    if one.marked is not None and one.matched is not None:
        wrong = one.counted + one.marked - 2 * one.matched
    return (float(error > 1), float(error > 0), wrong / max(one.human, 1))


def _sum(costs: Iterable[Cost]) -> Cost:
    missed, inexact, wrong = map(sum, zip(NOTHING, *costs, strict=True))
    return missed, inexact, wrong
