"""The part `people`: people with hidden sides, who do it right or wrong, or do something else.

A motion capture is seen by a camera ahead, at 45° and at the side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from detection import MoveSpec

from .engine_runs import Completion, Workers, adjusted, catalogue, completed, film
from .samples import AHEAD, CAMERAS, Film
from .tables import Cell, Table

# Of other acts these see false repetitions; who squats or sits down does stand up from a chair.
JUDGED: Final = (
    *("bench-press", "biceps-curl", "front-raise", "jumping-jack", "lateral-raise", "lunge"),
    *("pull-up", "push-up", "rope-pushdown", "sit-up", "squat"),
)
FORM_OF: Final = ("squat", "lunge", "sit-to-stand")
# Of people who are marked right or wrong: what the names of their films begin with, and the views.
MARKED: Final[Mapping[str, tuple[str, Mapping[str, int | None]]]] = {
    **{name: (f"uiprmd_{name}_", CAMERAS) for name in FORM_OF},
    "push-up": ("pushfit", {"as filmed": None}),
}
VIEWS: Final = " / ".join(CAMERAS)
BY_VIEW: Final = f"people {VIEWS}"
# A still must be ready for a second and then be held for one.
STILL_SECONDS: Final = 3.0


class Seen(NamedTuple):
    """A MoveSpec over a film: by a camera at this angle, of one of its frames kept still, or as it
    was filmed."""

    film: str
    spec: MoveSpec
    angle: int | None = None
    still: int | None = None


def see(seen: Seen) -> list[Completion]:
    """Called in a worker: the completions."""
    of = film(seen.film)
    if seen.still is not None:
        return completed(seen.spec, of.still(seen.still, seconds=STILL_SECONDS))
    return completed(seen.spec, of.frames if seen.angle is None else of.filmed_from(seen.angle))


class People:
    """The films, and what is completed in them: each job is done once."""

    def __init__(self, workers: Workers) -> None:
        self.films = workers.films
        self._each = partial(workers.each, see)
        self._known: dict[Seen, list[Completion]] = {}

    def named(self, prefix: str) -> list[Film]:
        return [one for one in self.films if one.name.startswith(prefix)]

    def done(self, jobs: Iterable[Seen]) -> list[list[Completion]]:
        wanted = list(jobs)
        missing = [job for job in dict.fromkeys(wanted) if job not in self._known]
        self._known.update(zip(missing, self._each(missing), strict=True))
        return [self._known[job] for job in wanted]

    def counts(self, films: Sequence[Film], spec: MoveSpec, angle: int | None = None) -> list[int]:
        return [len(one) for one in self.done(Seen(of.name, spec, angle) for of in films)]

    def auc(self, films: Sequence[Film], spec: MoveSpec, angle: int | None = None) -> float | None:
        """Of the form of counted repetitions: how often one done right has more of it than one
        done wrong."""
        forms: dict[bool | None, list[float]] = {True: [], False: []}
        for of, events in zip(
            films, self.done(Seen(of.name, spec, angle) for of in films), strict=True
        ):
            told = (event.payload["metrics"]["form"] for event in events)
            forms[of.right] += [form for form in told if form is not None]
        return auc(forms[True], forms[False])


class Judged(NamedTuple):
    """A repetition's value of a check, and whether the shipped bound is met."""

    person: str
    right: bool
    value: float
    met: bool


def form_by_check(people: People) -> Table:
    """Each check of what is marked right or wrong: how well the shipped bound tells, how well the
    value could, and how well a bound does that is tuned on the other people."""
    rows: list[tuple[Cell, ...]] = []
    for exercise in MARKED:
        for view, name, all_ in _judged(people, exercise):
            of_value = _auc_of(all_, [one.value for one in all_])
            rows.append(
                (
                    *(f"{exercise}: {name}, {view}", len(all_)),
                    _auc_of(all_, [float(one.met) for one in all_]),
                    None if of_value is None else max(of_value, 1 - of_value),
                    _auc_of(all_, left_out(all_)),
                )
            )
    return Table(
        key="form_by_check",
        title="How well each check tells repetitions done right from those done wrong (AUC): by the"
        " bound as shipped, by the value itself, and by a bound tuned on the other people",
        columns=("check", "repetitions", "as shipped", "value", "left out"),
        rows=rows,
    )


def measured_checks(people: People, exercise: str) -> list[str]:
    """The checks of an exercise that were seen in repetitions done right or wrong."""
    if exercise not in MARKED:
        return []
    return list(dict.fromkeys(name for _, name, _ in _judged(people, exercise)))


def _judged(people: People, exercise: str) -> Iterator[tuple[str, str, list[Judged]]]:
    """Of each view and each check that was seen from there its values."""
    prefix, angles = MARKED[exercise]
    films, spec = people.named(prefix), catalogue()[exercise]
    for view, angle in angles.items():
        judged: dict[str, list[Judged]] = {}
        jobs = [Seen(of.name, spec, angle) for of in films]
        for of, events in zip(films, people.done(jobs), strict=True):
            for event in events:
                for check in event.payload["metrics"].get("checks", ()):
                    if check["value"] is not None:
                        judged.setdefault(check["name"], []).append(
                            Judged(of.person, bool(of.right), check["value"], check["met"])
                        )
        for name, values in judged.items():
            yield view, name, values


def _auc_of(judged: Sequence[Judged], told: Sequence[float]) -> float | None:
    both = list(zip(judged, told, strict=True))
    return auc(
        [value for one, value in both if one.right], [value for one, value in both if not one.right]
    )


def left_out(judged: Sequence[Judged]) -> list[float]:
    """1 where a repetition is right by the bound that tells best on all other people, else 0. Of
    films without a person ten parts are made."""
    people = list(dict.fromkeys(one.person for one in judged))
    part = {
        person: number if len(people) <= 20 else number % 10 for number, person in enumerate(people)
    }
    rules = {
        number: _best_bound([one for one in judged if part[one.person] != number])
        for number in set(part.values())
    }
    told = []
    for one in judged:
        bound, is_least = rules[part[one.person]]
        told.append(float(one.value >= bound if is_least else one.value <= bound))
    return told


def _best_bound(judged: Sequence[Judged]) -> tuple[float, bool]:
    """The bound that most of the right ones meet and fewest of the wrong ones, midway between two
    values, and whether it is the least."""
    right = sum(one.right for one in judged) or 1
    wrong = len(judged) - right or 1
    best, found = -1.0, (0.0, True)
    more = 0.0
    ordered = sorted(judged, key=lambda one: one.value)
    for one, after in pairwise(ordered):
        more += 1 / right if one.right else -1 / wrong
        if one.value < after.value and abs(more) > best:
            best, found = abs(more), ((one.value + after.value) / 2, more < 0)
    return found


def auc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The area under the curve: the share of pairs in which the right one has more; alike is half
    a pair."""
    pairs = len(right) * len(wrong)
    more = sum((one > other) + 0.5 * (one == other) for one in right for other in wrong)
    return more / pairs if pairs else None


def tables(workers: Workers) -> list[Table]:
    people = People(workers)
    return [
        Table(
            key="goals",
            title="People as they are, by the catalogue as shipped",
            columns=("what", "has", "to reach"),
            rows=list(goals(people)),
        ),
        form_by_check(people),
        other_acts(people),
    ]


def goals(people: People) -> Iterator[tuple[Cell, ...]]:
    """What the catalogue does, beside what it is to do."""
    for exercise in ("squat", "lunge"):
        yield (f"{exercise}: {BY_VIEW} within one", _within_one(people, exercise), "all")
    yield (
        f"sit-to-stand in 30 s, begun standing: {BY_VIEW} within one",
        _within_one(people, "sit-to-stand", "sit-to-stand-30-s"),
        "all",
    )
    for exercise in FORM_OF:
        films = people.named(f"uiprmd_{exercise}")
        found = [people.auc(films, catalogue()[exercise], angle) for angle in CAMERAS.values()]
        yield (
            f"{exercise}: AUC of form, {VIEWS}",
            ", ".join("-" if one is None else f"{one:.2f}" for one in found),
            "mean 0.80, none under 0.70",
        )
    films = [one for one in people.named("uiprmd_shoulder-abduction-one-arm") if one.right]
    counted = sum(people.counts(films, catalogue()["lateral-raise"], AHEAD))
    repetitions = sum(one.count or 0 for one in films)
    yield ("raises of one arm, counted as of both", _of(counted, repetitions), "4 %")
    films, push_up = people.named("pushfit"), catalogue()["push-up"]
    yield _films_with_one("push-up films", people.counts(films, push_up), "97 %")
    yield ("push-up films: AUC of form", people.auc(films, push_up), "0.75")
    films = people.named("posetrainer_bicep")
    yield _films_with_one(
        "biceps curls from the side", people.counts(films, catalogue()["biceps-curl"]), "80 %"
    )
    films = people.named("yoga_tree")
    yield _films_with_one(
        "tree poses held a second",
        people.counts(films, adjusted("tree-pose", hold_ms=1000)),
        "88 %",
    )
    yield _films_with_one("planks held a second", _planks(people, "correct"), "92 %")
    films = people.named("hdm05_squat1Reps")
    counted = sum(
        sum(people.counts(films, catalogue()["squat"], angle)) for angle in CAMERAS.values()
    )
    repetitions = sum(one.count or 0 for one in films) * len(CAMERAS)
    yield ("motion-capture squats, three views", _of(counted, repetitions), "96 %")
    false = sum(sum(row) for row in _false(people).values())
    minutes = _minutes(_acts(people)) * len(CAMERAS)
    yield (
        f"false repetitions a minute and movement, of {len(JUDGED)} over {minutes:.0f} minutes",
        false / len(JUDGED) / minutes if minutes else None,
        "1.75, 1.2 wished",
    )


def _within_one(people: People, exercise: str, spec: str | None = None) -> str:
    films = [one for one in people.named(f"uiprmd_{exercise}") if one.right]
    within = []
    for angle in CAMERAS.values():
        counts = people.counts(films, catalogue()[spec or exercise], angle)
        within.append(
            sum(abs(count - (of.count or 0)) <= 1 for count, of in zip(counts, films, strict=True))
        )
    return _of(", ".join(map(str, within)), len(films))


def _planks(people: People, label: str) -> list[int]:
    spec = adjusted("plank", hold_ms=1000)
    jobs = [
        Seen(of.name, spec, still=number)
        for of in people.named("stills_plank")
        for number, said in enumerate(of.labels)
        if said == label
    ]
    return [len(one) for one in people.done(jobs)]


def _films_with_one(what: str, counts: Sequence[int], goal: str) -> tuple[Cell, ...]:
    return (f"{what}, of which one is counted", _of(sum(map(bool, counts)), len(counts)), goal)


def _acts(people: People) -> list[Film]:
    return [one for one in people.named("hdm05") if not one.exercise.startswith("squat")]


def _minutes(films: Sequence[Film]) -> float:
    return sum(one.minutes for one in films)


def _false(people: People) -> dict[str, list[int]]:
    """The repetitions of each MoveSpec of JUDGED in each of the other acts, from all sides."""
    films = _acts(people)
    people.done(
        Seen(of.name, catalogue()[exercise], angle)
        for of in films
        for exercise in JUDGED
        for angle in CAMERAS.values()
    )
    return {
        exercise: [
            sum(of)
            for of in zip(
                *(people.counts(films, catalogue()[exercise], a) for a in CAMERAS.values()),
                strict=True,
            )
        ]
        for exercise in JUDGED
    }


def other_acts(people: People) -> Table:
    films, false = _acts(people), _false(people)
    acts = list(dict.fromkeys(one.exercise for one in films))
    rows: list[tuple[Cell, ...]] = []
    for exercise, counts in false.items():
        row: list[Cell] = [exercise]
        for act in (*acts, None):
            of = [number for number, one in enumerate(films) if act in (None, one.exercise)]
            minutes = _minutes([films[number] for number in of]) * len(CAMERAS)
            row.append(sum(counts[number] for number in of) / minutes if minutes else None)
        rows.append(tuple(row))
    return Table(
        key="other_acts",
        title="False repetitions a minute over other acts of people, from three views",
        columns=("MoveSpec", *acts, "all"),
        rows=rows,
    )


def _of(part: int | str, whole: int) -> str:
    return f"{part} of {whole}"
