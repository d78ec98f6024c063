"""Cross-validation: a person is counted with rules tuned on people left out of the score.

Chosen are two settings of the engine for all exercises together, then the shape of each exercise,
then each of its gates. A gate is taken where it costs no recording, whichever the shape is: another
person may be counted by another.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from statistics import mean, stdev
from typing import Any

from detection import Criterion, EngineSettings

from .engine_runs import SHIPPED, Completions, Run, Workers
from .forms import GATES, SHAPES, WAYS, Form, Shape
from .samples import DATASETS, Sample

# Of the swing, each with the values tried: that which ships first, so that of equals it is taken.
SETTINGS: dict[str, tuple[Any, ...]] = {"swing_share": (0.6, 0.5), "recent_swings": (4, 2)}
# A form gains 1 by a recording that it counts exactly, and 1/e by one with so many repetitions too
# many or too few. So a near miss is told from a far one, where people are few.
ERROR_SCALE = 2.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What an exercise is counted by."""

    settings: EngineSettings
    form: Form

    def run(self, sample: Sample) -> Run:
        return Run(sample.name, self.form.spec(), self.settings)


Chosen = Mapping[str, Choice]
# What each shape gains by a recording in the mean, by exercise.
Gains = Mapping[str, Mapping[Shape, float]]


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
        self._mean_gains: dict[tuple[str, EngineSettings], float] = {}
        self._samples = [one for one in workers.samples if one.exercise in WAYS]
        self._exercises = sorted({one.exercise for one in self._samples})
        # All at once, so that the processes have enough to do.
        workers.count(
            Choice(of, form).run(one)
            for of in self._settings
            for one in self._samples
            for form in dict.fromkeys(shape.form(one.exercise) for shape in SHAPES)
        )

    def by_person(self) -> dict[str, Completions]:
        """Each recording, counted with rules tuned on all other people of its data set."""
        counted = {}
        for dataset in DATASETS:
            samples = [one for one in self._samples if one.dataset == dataset]
            for person in dict.fromkeys(one.person for one in samples):
                chosen = self.choose([one for one in samples if one.person != person])
                own = [one for one in samples if one.person == person]
                counted.update(self.count(chosen, own))
        return counted

    def by_dataset(self) -> dict[str, Completions]:
        """Each recording, counted with rules tuned on the other data set."""
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
        """What does best over `samples`, which choose nothing where they are known to be bad.

        The settings are tuned on all exercises. A shape is chosen on the exercise's own recordings
        and, of equals or where there are none, on those of the others.
        """
        good: dict[str, list[Sample]] = {}
        for one in samples:
            if not one.is_bad:
                good.setdefault(one.exercise, []).append(one)
        if not good:
            return {}
        settings = self._chosen_settings(chain.from_iterable(good.values()))
        gains = {exercise: self._gains(exercise, settings, own) for exercise, own in good.items()}
        return {
            exercise: self._gated(exercise, settings, gains, good.get(exercise, []))
            for exercise in self._exercises
        }

    def _chosen_settings(self, samples: Iterable[Sample]) -> EngineSettings:
        """The first settings that are no worse than the best by more than chance.

        They gain less by no more than the standard error of the difference, over people: the
        one-standard-error rule (L. Breiman, J. Friedman, R. Olshen and C. Stone, *Classification
        and Regression Trees*, 1984). A recording's gain is the mean of all shapes.
        """
        people: dict[str, list[Sample]] = {}
        for one in samples:
            people.setdefault(one.person, []).append(one)
        gains = {
            of: [mean(self._gain_of(one, of) for one in own) for own in people.values()]
            for of in self._settings
        }
        best = max(gains.values(), key=sum)
        return next(of for of, own in gains.items() if _is_as_good(own, best))

    def _gain_of(self, one: Sample, settings: EngineSettings) -> float:
        if (one.name, settings) not in self._mean_gains:
            choices = (Choice(settings, shape.form(one.exercise)) for shape in SHAPES)
            self._mean_gains[one.name, settings] = mean(
                gain(self._errors(choice, one.exercise)[one.name]) for choice in choices
            )
        return self._mean_gains[one.name, settings]

    def _gains(
        self, exercise: str, settings: EngineSettings, samples: Sequence[Sample]
    ) -> Mapping[Shape, float]:
        gains = {}
        for shape in SHAPES:
            errors = self._errors(Choice(settings, shape.form(exercise)), exercise)
            gains[shape] = mean(gain(errors[one.name]) for one in samples)
        return gains

    def _gated(
        self, exercise: str, settings: EngineSettings, gains: Gains, samples: Sequence[Sample]
    ) -> Choice:
        """The best shape, with each gate that costs nobody by any shape."""
        gates: tuple[Criterion, ...] = ()
        for gate in GATES[exercise] if samples else ():
            forms = [replace(shape.form(exercise), gates=gates) for shape in SHAPES]
            self._workers.count(
                Choice(settings, form.with_gate(gate)).run(one) for form in forms for one in samples
            )
            if not any(
                self._is_lost(one, settings, form, form.with_gate(gate))
                for form in forms
                for one in samples
            ):
                gates = (*gates, gate)
        form = _best(exercise, gains).form(exercise)
        return Choice(settings, replace(form, gates=gates))

    def _is_lost(self, one: Sample, settings: EngineSettings, before: Form, after: Form) -> bool:
        """Whether a recording is counted worse, and not within one."""
        was, now = (
            abs(self._errors(Choice(settings, form), one.exercise)[one.name])
            for form in (before, after)
        )
        return now > max(1, was)

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


def _best(exercise: str, gains: Gains) -> Shape:
    """The shape that gains most; of equals that which does for the other exercises."""
    own = gains.get(exercise, {})
    others = [each for name, each in gains.items() if name != exercise]

    def worth(shape: Shape) -> tuple[float, float]:
        return own.get(shape, 0.0), sum(each[shape] for each in others)

    return max(SHAPES, key=worth)


def gain(error: int) -> float:
    return math.exp(-abs(error) / ERROR_SCALE)


def _is_as_good(gains: Sequence[float], best: Sequence[float]) -> bool:
    less = [most - one for most, one in zip(best, gains, strict=True)]
    if len(less) == 1:
        return True  # what chance does is not known
    error = stdev(less) / math.sqrt(len(less))
    # Where they differ for one person alone the two are the same but for their last digit.
    return mean(less) <= error * (1 + 1e-9)
