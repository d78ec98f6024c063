"""The part `quality`: whether a session's countable share tells the recordings that are counted
off by more than one from the rest, on people left out."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple

from detection import Engine
from sessions_app.summary import (
    DOUBTED_BELOW,
    Quality,
    QualityReason,
    SessionQuality,
    quality_of,
    shares_of,
)

from .engine_runs import Workers, catalogue, recording
from .samples import DATASETS, Sample
from .tables import Cell, Table

# Of the recordings that are counted within one, this share may be marked.
MAX_SHARE_OF_REST: Final = 0.1
COLUMNS: Final = (
    "not within 1",
    "marked",
    "share",
    "the rest",
    "marked of the rest",
    "share of the rest",
)


class Judged(NamedTuple):
    """A recording as a session tells of it."""

    sample: Sample
    counted: int
    quality: Quality
    shares: dict[QualityReason, float]

    @property
    def is_miss(self) -> bool:
        return abs(self.counted - self.sample.count) > 1


class Marked(NamedTuple):
    """How many of the misses are marked, and how many of the rest."""

    misses: int
    marked: int
    rest: int
    wrongly: int

    def __add__(self, other: "Marked") -> "Marked":  # type: ignore[override]
        return Marked(*(one + more for one, more in zip(self, other, strict=True)))


def tables(workers: Workers) -> list[Table]:
    all_ = judge(workers)
    return [by_way(all_), by_reason(all_), by_recording(all_)]


def judge(workers: Workers) -> list[Judged]:
    samples = [sample for sample in workers.samples if sample.exercise in catalogue()]
    told = workers.each(tell, [sample.name for sample in samples])
    found = []
    for sample, (counted, state) in zip(samples, told, strict=True):
        quality, shares = quality_of({"quality": state}), shares_of(state)
        if quality is None or shares is None:
            raise ValueError(f"{sample.name} has no two frames.")
        found.append(Judged(sample, counted, quality, shares))
    return found


def tell(name: str) -> tuple[int, dict[str, object]]:
    """Called in a worker: the repetitions of a recording, and the signs of its quality."""
    sample = recording(name)
    engine, quality, counted = Engine(catalogue()[sample.exercise]), SessionQuality(), 0
    last_ms = None
    for frame in sample.frames:
        completed = sum(event.type == "event_completed" for event in engine.feed(frame))
        counted += completed
        since_ms = None if last_ms is None else frame.timestamp_ms - last_ms
        last_ms = frame.timestamp_ms
        degrees = engine.carried_degrees() if engine.is_usable else None
        quality.accept(engine, since_ms, degrees, completes=completed > 0)
    return counted, quality.state()


def unsure(shares: dict[QualityReason, float], of: Iterable[QualityReason]) -> float:
    """What is not countable, by these reasons alone."""
    taken = {reason: shares[reason] for reason in of}
    incomplete = taken.pop(QualityReason.INCOMPLETE_MOVEMENTS, 0.0)
    return 1.0 - (1.0 - sum(taken.values())) * (1.0 - incomplete)


Sign = Callable[[Judged], float]


def limit_for(chosen_on: Collection[Judged], sign: Sign) -> float:
    """The limit above which MAX_SHARE_OF_REST of those that are counted within one are marked."""
    rest = sorted((sign(one) for one in chosen_on if not one.is_miss), reverse=True)
    return rest[int(MAX_SHARE_OF_REST * len(rest))]


def marked(judged: Collection[Judged], limit: float, sign: Sign) -> Marked:
    misses = [one for one in judged if one.is_miss]
    rest = [one for one in judged if not one.is_miss]
    return Marked(
        len(misses),
        sum(sign(one) > limit for one in misses),
        len(rest),
        sum(sign(one) > limit for one in rest),
    )


def by_people(all_: Sequence[Judged], sign: Sign) -> Marked:
    """Each person by the limit tuned on everybody else."""
    total = Marked(0, 0, 0, 0)
    for person in dict.fromkeys(one.sample.person for one in all_):
        his = [one for one in all_ if one.sample.person == person]
        others = [one for one in all_ if one.sample.person != person]
        total += marked(his, limit_for(others, sign), sign)
    return total


def by_dataset(all_: Sequence[Judged], dataset: str, sign: Sign) -> Marked:
    """The recordings of a data set by the limit tuned on the other."""
    there = [one for one in all_ if one.sample.dataset == dataset]
    others = [one for one in all_ if one.sample.dataset != dataset]
    return marked(there, limit_for(others, sign), sign) if others else Marked(0, 0, 0, 0)


def by_way(all_: Sequence[Judged]) -> Table:
    def shipped(judged: Collection[Judged]) -> Marked:
        return marked(judged, -DOUBTED_BELOW, lambda one: -one.quality.countable_share)

    sign = _by(QualityReason)
    good = [one for one in all_ if not one.sample.is_bad]
    rows = [
        ("the limit tuned on the other people", by_people(all_, sign)),
        *(
            (f"{dataset}, the limit tuned on the other set", by_dataset(all_, dataset, sign))
            for dataset in DATASETS
        ),
        (f"as shipped, below {DOUBTED_BELOW}", shipped(all_)),
        (f"as shipped, below {DOUBTED_BELOW}, without the bad", shipped(good)),
    ]
    return Table(
        key="marked",
        title="Recordings that the countable share marks: of those not within one, and of the rest",
        columns=("how", *COLUMNS),
        rows=[(how, *_cells(of)) for how, of in rows],
    )


def by_reason(all_: Sequence[Judged]) -> Table:
    """Each reason alone, and all but it, by the limit tuned on the other people."""
    rows: list[tuple[Cell, ...]] = []
    for reason in QualityReason:
        others = [one for one in QualityReason if one is not reason]
        rows.append((f"{reason.value} alone", *_cells(by_people(all_, _by((reason,))))))
        rows.append((f"all but {reason.value}", *_cells(by_people(all_, _by(others)))))
    return Table(
        key="by_reason",
        title="The same by one reason alone and without it, tuned on the other people",
        columns=("reasons", *COLUMNS),
        rows=rows,
    )


def _by(reasons: Iterable[QualityReason]) -> Sign:
    of = tuple(reasons)
    return lambda one: unsure(one.shares, of)


def by_recording(all_: Sequence[Judged]) -> Table:
    shown = [one for one in all_ if one.is_miss or one.quality.countable_share < DOUBTED_BELOW]
    shown.sort(key=lambda one: (not one.is_miss, one.quality.countable_share))
    return Table(
        key="quality_by_recording",
        title="Recordings not within one, and then the rest that is marked, as shipped",
        columns=("recording", "human", "counted", "countable share", "marked", "reasons"),
        rows=[
            (
                *(one.sample.name, one.sample.count, one.counted, one.quality.countable_share),
                "yes" if one.quality.countable_share < DOUBTED_BELOW else "",
                ", ".join(reason.value for reason in one.quality.reasons),
            )
            for one in shown
        ],
    )


def _cells(of: Marked) -> tuple[Cell, ...]:
    return (
        *(of.misses, of.marked, _share(of.marked, of.misses)),
        *(of.rest, of.wrongly, _share(of.wrongly, of.rest)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
