"""Cross-validation: what counts a person is chosen on people who are left out of the score.

Everything is chosen: the settings of the engine for all exercises together, then the form of each
exercise, then each of its gates. A gate is taken where it costs no recording that it is chosen on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from detection import EngineSettings

from .engine_runs import SHIPPED, Completions, Run, Workers
from .forms import FAMILIES, GATES, Form, plain_forms
from .samples import DATASETS, Sample

# Of the swing, each with the values tried: that which ships first, so that of equals it is taken.
SETTINGS: dict[str, tuple[Any, ...]] = {"swing_share": (0.6, 0.5), "recent_swings": (4, 2)}
# What a form gains by a recording that it counts within one, and by one that it counts exact.
WITHIN_ONE, EXACT = 1.0, 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """What an exercise is counted by."""

    settings: EngineSettings
    form: Form

    def run(self, sample: Sample) -> Run:
        return Run(sample.name, self.form.spec(), self.settings)


Chosen = Mapping[str, Choice]


def all_settings() -> list[EngineSettings]:
    return [
        replace(SHIPPED, swing=replace(SHIPPED.swing, **dict(zip(SETTINGS, values, strict=True))))
        for values in product(*SETTINGS.values())
    ]


class Chooser:
    """Chooses by the counts of `workers`, which count each form over each recording once."""

    def __init__(self, workers: Workers, settings: Sequence[EngineSettings] | None = None) -> None:
        self._workers = workers
        self._settings = list(settings or all_settings())
        self._known: dict[tuple[str, Choice], dict[str, int]] = {}
        self._samples = [one for one in workers.samples if one.exercise in FAMILIES]
        # All at once, so that the processes have enough to do.
        workers.count(
            Choice(of, form).run(one)
            for of in self._settings
            for one in self._samples
            for form in plain_forms(one.exercise)
        )

    def by_person(self) -> dict[str, Completions]:
        """Each recording, counted by what is chosen on all other people of its data set."""
        counted = {}
        for dataset in DATASETS:
            samples = [one for one in self._samples if one.dataset == dataset]
            for person in dict.fromkeys(one.person for one in samples):
                chosen = self.choose([one for one in samples if one.person != person])
                own = [one for one in samples if one.person == person]
                counted.update(self.count(chosen, own))
        return counted

    def by_dataset(self) -> dict[str, Completions]:
        """Each recording, counted by what is chosen on the other data set; without those of an
        exercise that the other one has not."""
        counted = {}
        for scored in DATASETS:
            chosen = self.choose([one for one in self._samples if one.dataset != scored])
            own = [one for one in self._samples if one.dataset == scored]
            counted.update(self.count(chosen, own))
        return counted

    def count(self, chosen: Chosen, samples: Iterable[Sample]) -> dict[str, Completions]:
        runs = {
            one.name: chosen[one.exercise].run(one) for one in samples if one.exercise in chosen
        }
        completed = self._workers.count(runs.values())
        return {name: completed[run] for name, run in runs.items()}

    def choose(self, samples: Iterable[Sample]) -> Chosen:
        """What does best over `samples`, which choose nothing where they are known to be bad."""
        good: dict[str, list[Sample]] = {}
        for one in samples:
            if not one.is_bad:
                good.setdefault(one.exercise, []).append(one)
        best: tuple[float, dict[str, Choice]] | None = None
        for settings in self._settings:
            found = {exercise: self._best(exercise, of, settings) for exercise, of in good.items()}
            gain = sum(one for one, _ in found.values())
            if best is None or gain > best[0]:
                best = (
                    gain,
                    {exercise: Choice(settings, form) for exercise, (_, form) in found.items()},
                )
        if best is None:
            return {}
        return {
            exercise: self._gated(exercise, choice, good[exercise])
            for exercise, choice in best[1].items()
        }

    def _best(
        self, exercise: str, samples: list[Sample], settings: EngineSettings
    ) -> tuple[float, Form]:
        """The form whose neighbours gain most, and by how much; of equals the first.

        One that does well alone, among bands that do badly, does so by chance.
        """
        forms = plain_forms(exercise)
        errors = {form: self._errors(Choice(settings, form), exercise) for form in forms}
        gains = {form: sum(gain(of[one.name]) for one in samples) for form, of in errors.items()}
        means = {
            form: sum(gains[near] for near in neighbours) / len(neighbours)
            for form, neighbours in _neighbours(exercise).items()
        }
        best = max(forms, key=lambda form: means[form])
        return means[best], best

    def _gated(self, exercise: str, choice: Choice, samples: list[Sample]) -> Choice:
        """The choice with each gate of the exercise that costs none of `samples`."""
        for gate in GATES[exercise]:
            gated = replace(choice, form=choice.form.with_gate(gate))
            before, after = self._errors(choice, exercise), self._errors(gated, exercise)
            if all(abs(after[one.name]) <= max(1, abs(before[one.name])) for one in samples):
                choice = gated
        return choice

    def _errors(self, choice: Choice, exercise: str) -> dict[str, int]:
        """By how many repetitions the choice is wrong over each recording of the exercise."""
        if (exercise, choice) not in self._known:
            samples = [one for one in self._samples if one.exercise == exercise]
            runs = [choice.run(one) for one in samples]
            completed = self._workers.count(runs)
            self._known[exercise, choice] = {
                one.name: len(completed[run]) - one.count
                for one, run in zip(samples, runs, strict=True)
            }
        return self._known[exercise, choice]


@cache
def _neighbours(exercise: str) -> dict[Form, list[Form]]:
    forms = plain_forms(exercise)
    return {form: [one for one in forms if form.is_near(one)] for form in forms}


def gain(error: int) -> float:
    return WITHIN_ONE * (abs(error) <= 1) + EXACT * (error == 0)
