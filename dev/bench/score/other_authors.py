"""The part `authors`: MoveSpecs as people would write them who never saw the catalogue.

There are five for each exercise, over recordings and over the figure. The first of each has the
form of the public documentation's example: one joint, two bands with a wide gap, back to where it
began. The others are open, narrow, wide, and with a second criterion.
"""

from functools import cache
from itertools import compress
from typing import NamedTuple

import detection
from detection import MoveSpec, PoseFrame
from dev.poses.figure import perform

from .engine_runs import Recorded, Run, Workers
from .matches import figures, tally
from .tables import Table

FORMS = ("public example", "open", "narrow", "wide", "two criteria")
REPETITIONS = 8

# For each of FORMS the criteria of the first and the second phase, each `joint[ side] min-max`.
WRITTEN: dict[str, list[tuple[str, str]]] = {
    "squat": [
        ("knee 160-180", "knee 60-100"),
        ("knee 0-110", "knee 150-180"),
        ("knee 170-180", "knee 70-90"),
        ("knee 130-180", "knee 0-125"),
        ("knee 155-180, hip 150-180", "knee 0-105, hip 0-110"),
    ],
    "push-up": [
        ("elbow 160-180", "elbow 60-100"),
        ("elbow 0-110", "elbow 150-180"),
        ("elbow 165-180", "elbow 70-90"),
        ("elbow 130-180", "elbow 0-120"),
        ("elbow 150-180, hip 150-180", "elbow 0-100, hip 150-180"),
    ],
    "sit-up": [
        ("hip 120-160", "hip 30-70"),
        ("hip 110-180", "hip 0-75"),
        ("hip 125-150", "hip 30-55"),
        ("hip 105-180", "hip 0-90"),
        ("hip 115-180, knee 40-120", "hip 0-75, knee 40-120"),
    ],
    "pull-up": [
        ("elbow 160-180", "elbow 30-80"),
        ("elbow 145-180", "elbow 0-100"),
        ("elbow 165-180", "elbow 40-65"),
        ("elbow 130-180", "elbow 0-110"),
        ("elbow 150-180, shoulder 140-180", "elbow 0-90, shoulder 0-90"),
    ],
    "jumping-jack": [
        ("shoulder 0-40", "shoulder 140-180"),
        ("shoulder 110-180", "shoulder 0-60"),
        ("shoulder 0-25", "shoulder 155-180"),
        ("shoulder 0-75", "shoulder 100-180"),
        ("shoulder both 0-45, hip 165-180", "shoulder both 130-180"),
    ],
    "bench-press": [
        ("elbow 160-180", "elbow 60-100"),
        ("elbow 0-100", "elbow 140-180"),
        ("elbow 165-180", "elbow 70-90"),
        ("elbow 130-180", "elbow 0-115"),
        ("elbow both 150-180, shoulder 50-180", "elbow both 0-105"),
    ],
    "front-raise": [
        ("shoulder 0-30", "shoulder 75-110"),
        ("shoulder 70-180", "shoulder 0-40"),
        ("shoulder 0-20", "shoulder 85-100"),
        ("shoulder 0-50", "shoulder 60-180"),
        ("shoulder 0-35, elbow 140-180", "shoulder 70-120, elbow 140-180"),
    ],
    "lateral-raise": [
        ("shoulder 0-30", "shoulder 75-110"),
        ("shoulder 70-180", "shoulder 0-40"),
        ("shoulder 0-20", "shoulder 85-100"),
        ("shoulder 0-50", "shoulder 60-180"),
        ("shoulder both 0-35", "shoulder both 70-120, elbow 140-180"),
    ],
    "biceps-curl": [
        ("elbow 160-180", "elbow 30-70"),
        ("elbow 0-80", "elbow 140-180"),
        ("elbow 165-180", "elbow 35-55"),
        ("elbow 120-180", "elbow 0-100"),
        ("elbow 150-180, shoulder 0-40", "elbow 0-75, shoulder 0-40"),
    ],
    "lunge": [
        ("knee 160-180", "knee front 70-110"),
        ("knee front 0-115", "knee 150-180"),
        ("knee 165-180", "knee front 80-100"),
        ("knee 140-180", "knee front 0-125"),
        ("knee 155-180", "knee front 60-115, knee back 60-130"),
    ],
}


@cache
def movespec(exercise: str, form: str) -> MoveSpec:
    phases = WRITTEN[exercise][FORMS.index(form)]
    sequence = "first, second" if form == "open" else "first, second, first"
    lines = [f"name: {exercise}", f"version: {form}", "detection:", "  type: repetition"]
    lines += ["  movement:", f"    name: {exercise}", "    phases:"]
    for name, criteria in zip(("first", "second"), phases, strict=True):
        lines.append(f"      - {{name: {name}, criteria: [{_criteria(criteria)}]}}")
    lines.append(f"    sequence: [{sequence}]")
    return detection.compile("\n".join(lines))


def _criteria(text: str) -> str:
    made = []
    for criterion in text.split(", "):
        joint, *side, bounds = criterion.split()
        low, high = bounds.split("-")
        keys = [f"joint: {joint}", *(f"side: {name}" for name in side)]
        made.append(f"{{{', '.join(keys)}, angle_min: {low}, angle_max: {high}}}")
    return ", ".join(made)


class Performed(NamedTuple):
    exercise: str

    def frames(self) -> list[PoseFrame]:
        return perform(self.exercise, repetitions=REPETITIONS, fps=30)


def tables(workers: Workers) -> list[Table]:
    good = [one for one in workers.samples if one.exercise in WRITTEN and not one.is_bad]
    tallies, performed = {}, []
    for form in FORMS:
        runs = (Run(Recorded(one.name), movespec(one.exercise, form)) for one in good)
        tallies[form] = [tally(*pair) for pair in zip(workers.count(runs), good, strict=True)]
        runs = (Run(Performed(name), movespec(name, form)) for name in sorted(WRITTEN))
        performed.append(map(len, workers.count(runs)))
    by_exercise = {}
    for name in (*sorted({one.exercise for one in good}), "all"):
        are_own = [name in (one.exercise, "all") for one in good]
        by_exercise[name] = [figures(list(compress(tallies[form], are_own))) for form in FORMS]
    title = "MoveSpecs of other authors:"
    return [
        *(
            Table(
                f"{title} recordings counted {what.replace('_', ' ')}, without the bad",
                ("exercise", "recordings", *FORMS),
                [
                    (name, own[0].recordings, *(getattr(one, what) for one in own))
                    for name, own in by_exercise.items()
                ],
            )
            for what in ("within_one", "exact")
        ),
        Table(
            f"{title} counts of the figure's {REPETITIONS} repetitions",
            ("exercise", *FORMS),
            list(zip(sorted(WRITTEN), *performed, strict=True)),
        ),
    ]
