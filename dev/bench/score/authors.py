"""The part `authors`: MoveSpecs of other authors, over recordings and over the figure."""

from collections.abc import Callable
from typing import NamedTuple

from dev.poses.figure import perform

from .engine_runs import Run, Workers, completions
from .matches import Figures, figures, tally
from .other_authors import FORMS, WRITTEN, movespec
from .tables import Cell, Table

REPETITIONS = 8


class Performance(NamedTuple):
    exercise: str
    form: str


def tables(workers: Workers) -> list[Table]:
    good = [one for one in workers.samples if one.exercise in WRITTEN and not one.is_bad]
    runs = {
        (sample.name, form): Run(sample.name, movespec(sample.exercise, form))
        for sample in good
        for form in FORMS
    }
    completed = workers.count(runs.values())
    exercises = sorted({sample.exercise for sample in good})
    groups = {name: [one for one in good if one.exercise == name] for name in exercises}
    groups["all"] = good
    figures_of = {
        (name, form): figures([tally(completed[runs[one.name, form]], one) for one in group])
        for name, group in groups.items()
        for form in FORMS
    }

    def table(key: str, title: str, figure: Callable[[Figures], int]) -> Table:
        return Table(
            key=key,
            title=f"MoveSpecs of other authors: recordings counted {title}, without the bad",
            columns=("exercise", "recordings", *FORMS),
            rows=[
                (name, len(group), *(figure(figures_of[name, form]) for form in FORMS))
                for name, group in groups.items()
            ],
        )

    return [
        table("within_one", "within one", lambda figures: figures.within_one),
        table("exact", "exact", lambda figures: figures.exact),
        over_the_figure(workers),
    ]


def over_the_figure(workers: Workers) -> Table:
    performances = [Performance(exercise, form) for exercise in WRITTEN for form in FORMS]
    counts = dict(zip(performances, workers.each(count_performance, performances), strict=True))
    rows: list[tuple[Cell, ...]] = [
        (exercise, *(counts[Performance(exercise, form)] for form in FORMS))
        for exercise in sorted(WRITTEN)
    ]
    return Table(
        key="figure",
        title=f"MoveSpecs of other authors: counts of the figure's {REPETITIONS} repetitions",
        columns=("exercise", *FORMS),
        rows=rows,
    )


def count_performance(performance: Performance) -> int:
    frames = perform(performance.exercise, repetitions=REPETITIONS, fps=30)
    return len(completions(movespec(*performance), frames))
