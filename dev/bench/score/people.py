"""The part `people`: people with hidden sides, who do it right or wrong, or do something else.

A motion capture is seen by a camera ahead, at 45° and at the side."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, pairwise
from operator import not_
from typing import Final, NamedTuple

from detection import MoveSpec

from .engine_runs import Completion, Filmed, Run, Workers, adjusted, catalogue
from .samples import AHEAD, CAMERAS, Film
from .tables import Row, Table, share, shown

# The movements whose false repetitions in other acts are counted. Others do squat or sit down.
JUDGED: Final = (
    *("bench-press", "biceps-curl", "front-raise", "jumping-jack", "lateral-raise", "lunge"),
    *("pull-up", "push-up", "rope-pushdown", "sit-up", "squat"),
)
FORM_OF: Final = ("squat", "lunge", "sit-to-stand")
# Films that are marked right or wrong: the beginning of their names, and the views.
MARKED: Final[Mapping[str, tuple[str, Mapping[str, int | None]]]] = {
    **{name: (f"uiprmd_{name}_", CAMERAS) for name in FORM_OF},
    "push-up": ("pushfit", {"as filmed": None}),
}
VIEWS: Final = " / ".join(CAMERAS)
# A still must be ready for a second and then be held for one.
STILL_SECONDS: Final = 3.0


def named(workers: Workers, prefix: str) -> list[Film]:
    return [one for one in workers.films if one.name.startswith(prefix)]


def watch(
    workers: Workers, films: Sequence[Film], spec: MoveSpec, angle: int | None = None
) -> list[list[Completion]]:
    """The completions of each film, by a camera at this angle or as it was filmed."""
    return workers.completed(Run(Filmed(one.name, angle), spec) for one in films)


def count(
    workers: Workers, films: Sequence[Film], spec: MoveSpec, angle: int | None = None
) -> list[int]:
    return list(map(len, watch(workers, films, spec, angle)))


def auc_of_form(
    workers: Workers, films: Sequence[Film], spec: MoveSpec, angle: int | None = None
) -> float | None:
    forms: dict[bool | None, list[float]] = {True: [], False: []}
    for of, completed in zip(films, watch(workers, films, spec, angle), strict=True):
        found = (event.payload["metrics"]["form"] for event in completed)
        forms[of.right] += [form for form in found if form is not None]
    return auc(forms[True], forms[False])


def auc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The area under the curve: the share of pairs in which the right one has more; alike is half
    a pair."""
    more = sum((one > other) + 0.5 * (one == other) for one in right for other in wrong)
    return share(more, len(right) * len(wrong))


class Judged(NamedTuple):
    """A repetition's value of a check, and whether the shipped bound is met."""

    person: str
    right: bool
    value: float
    met: bool


def form_by_check(workers: Workers) -> Table:
    """How well each check tells right from wrong by the shipped bound, by its value, and by a bound
    that is tuned on the other people."""
    rows: list[Row] = []
    for exercise in MARKED:
        for view, name, all_ in _judged(workers, exercise):
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
        "How well each check tells repetitions done right from those done wrong (AUC): by the"
        " bound as shipped, by the value itself, and by a bound tuned on the other people",
        ("check", "repetitions", "as shipped", "value", "left out"),
        rows,
    )


def measured_checks(workers: Workers, exercise: str) -> list[str]:
    """The checks of an exercise that were seen in repetitions done right or wrong."""
    if exercise not in MARKED:
        return []
    return list(dict.fromkeys(name for _, name, _ in _judged(workers, exercise)))


def _judged(workers: Workers, exercise: str) -> Iterator[tuple[str, str, list[Judged]]]:
    """The values of each check that was seen from each view."""
    prefix, angles = MARKED[exercise]
    films, spec = named(workers, prefix), catalogue()[exercise]
    for view, angle in angles.items():
        judged: dict[str, list[Judged]] = {}
        for of, completed in zip(films, watch(workers, films, spec, angle), strict=True):
            for event in completed:
                for check in event.payload["metrics"].get("checks", ()):
                    if check["value"] is not None:
                        judged.setdefault(check["name"], []).append(
                            Judged(of.person, bool(of.right), check["value"], check["met"])
                        )
        for name, values in judged.items():
            yield view, name, values


def _auc_of(judged: Sequence[Judged], values: Sequence[float]) -> float | None:
    is_right = [one.right for one in judged]
    return auc(list(compress(values, is_right)), list(compress(values, map(not_, is_right))))


def left_out(judged: Sequence[Judged]) -> list[float]:
    """1 where a repetition is right by the bound that does best on all other people, else 0. More
    than 20 people are left out in ten parts."""
    people = list(dict.fromkeys(one.person for one in judged))
    part = {
        person: number if len(people) <= 20 else number % 10 for number, person in enumerate(people)
    }
    rules = {
        number: _best_bound([one for one in judged if part[one.person] != number])
        for number in set(part.values())
    }
    verdicts = []
    for one in judged:
        bound, is_least = rules[part[one.person]]
        verdicts.append(float(one.value >= bound if is_least else one.value <= bound))
    return verdicts


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


def tables(workers: Workers) -> list[Table]:
    title = "People as they are, by the catalogue as shipped"
    goals_table = Table(title, ("what", "has", "to reach"), list(goals(workers)))
    return [goals_table, form_by_check(workers), other_acts(workers)]


def goals(workers: Workers) -> Iterator[Row]:
    """What the catalogue does, beside what it is to do."""
    specs = catalogue()
    for exercise, spec, name in (
        ("squat", "squat", "squat"),
        ("lunge", "lunge", "lunge"),
        ("sit-to-stand", "sit-to-stand-30-s", "sit-to-stand in 30 s, begun standing"),
    ):
        films = [one for one in named(workers, f"uiprmd_{exercise}") if one.right]
        within = []
        for angle in CAMERAS.values():
            counts = zip(count(workers, films, specs[spec], angle), films, strict=True)
            within.append(str(sum(abs(found - (of.count or 0)) <= 1 for found, of in counts)))
        yield f"{name}: people {VIEWS} within one", f"{', '.join(within)} of {len(films)}", "all"
    for exercise in FORM_OF:
        films = named(workers, f"uiprmd_{exercise}")
        found = [auc_of_form(workers, films, specs[exercise], angle) for angle in CAMERAS.values()]
        yield (
            f"{exercise}: AUC of form, {VIEWS}",
            ", ".join(map(shown, found)),
            "mean 0.80, none under 0.70",
        )
    films = [one for one in named(workers, "uiprmd_shoulder-abduction-one-arm") if one.right]
    counted = sum(count(workers, films, specs["lateral-raise"], AHEAD))
    yield "raises of one arm, counted as of both", f"{counted} of {_done(films)}", "4 %"
    films, push_up = named(workers, "pushfit"), specs["push-up"]
    yield _films_with_one("push-up films", count(workers, films, push_up), "97 %")
    yield "push-up films: AUC of form", auc_of_form(workers, films, push_up), "0.75"
    curls = count(workers, named(workers, "posetrainer_bicep"), specs["biceps-curl"])
    yield _films_with_one("biceps curls from the side", curls, "80 %")
    trees = count(workers, named(workers, "yoga_tree"), adjusted("tree-pose", hold_ms=1000))
    yield _films_with_one("tree poses held a second", trees, "88 %")
    yield _films_with_one("planks held a second", planks(workers, "correct"), "92 %")
    films = named(workers, "hdm05_squat1Reps")
    counted = sum(sum(count(workers, films, specs["squat"], of)) for of in CAMERAS.values())
    done = _done(films) * len(CAMERAS)
    yield "motion-capture squats, three views", f"{counted} of {done}", "96 %"
    false = sum(counts.total() for counts in _false(workers).values())
    minutes = _minutes(_acts(workers))
    yield (
        f"false repetitions a minute and movement, of {len(JUDGED)} over {minutes:.0f} minutes",
        share(false / len(JUDGED), minutes),
        "1.75, 1.2 wished",
    )


def planks(workers: Workers, label: str) -> list[int]:
    spec = adjusted("plank", hold_ms=1000)
    counted = workers.count(
        Run(Filmed(of.name, still=number, seconds=STILL_SECONDS), spec)
        for of in named(workers, "stills_plank")
        for number, labelled in enumerate(of.labels)
        if labelled == label
    )
    return list(map(len, counted))


def _films_with_one(what: str, counts: Sequence[int], goal: str) -> Row:
    has = f"{sum(map(bool, counts))} of {len(counts)}"
    return (f"{what}, of which one is counted", has, goal)


def _done(films: Sequence[Film]) -> int:
    return sum(one.count or 0 for one in films)


def _acts(workers: Workers) -> list[Film]:
    films = named(workers, "hdm05")
    return [one for one in films if not one.exercise.startswith("squat")]


def _minutes(films: Sequence[Film]) -> float:
    """From all views."""
    return sum(one.minutes for one in films) * len(CAMERAS)


def _false(workers: Workers) -> dict[str, Counter[str]]:
    """The repetitions of each MoveSpec of JUDGED in each of the other acts, from all sides."""
    films = [Filmed(of.name, angle) for of in _acts(workers) for angle in CAMERAS.values()]
    found = {}
    for name, times in workers.count_each(((name, catalogue()[name]) for name in JUDGED), films):
        found[name] = Counter[str]()
        for film, of in zip(films, times, strict=True):
            found[name][film.name] += len(of)
    return found


def other_acts(workers: Workers) -> Table:
    films = _acts(workers)
    acts = list(dict.fromkeys(one.exercise for one in films))
    rows: list[Row] = []
    for exercise, counts in _false(workers).items():
        rates = []
        for act in (*acts, None):
            own = [one for one in films if act in (None, one.exercise)]
            rates.append(share(sum(counts[one.name] for one in own), _minutes(own)))
        rows.append((exercise, *rates))
    title = "False repetitions a minute over other acts of people, from three views"
    return Table(title, ("MoveSpec", *acts, "all"), rows)
