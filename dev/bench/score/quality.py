"""The part `quality`: how well a session's countable share marks recordings that are counted off by
more than one, on people left out."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple

from detection import Engine, QualityReason, SessionSummary
from sessions_app.summary import (
    DOUBTED_BELOW,
    Quality,
    quality_of,
    shares_of,
)

from .engine_runs import Workers, catalogue, recording
from .samples import DATASETS, Sample
from .tables import Row, Table, share

# The share of the recordings counted within one that may be marked.
MAX_SHARE_OF_REST: Final = 0.1
COLUMNS: Final = (
    *("not within 1", "marked", "share"),
    *("the rest", "marked of the rest", "share of the rest"),
)


class Judged(NamedTuple):
    """A recording with what its session would report."""

    sample: Sample
    counted: int
    quality: Quality
    shares: dict[QualityReason, float]

    @property
    def is_miss(self) -> bool:
        return abs(self.counted - self.sample.count) > 1

    @property
    def is_doubted(self) -> bool:
        return self.quality.countable_share < DOUBTED_BELOW


class Marked(NamedTuple):
    """The misses and the rest, each with how many of them are marked."""

    misses: int
    marked: int
    rest: int
    wrongly: int

    def row(self, name: str) -> Row:
        return (
            *(name, self.misses, self.marked, share(self.marked, self.misses)),
            *(self.rest, self.wrongly, share(self.wrongly, self.rest)),
        )


Sign = Callable[[Judged], float]


def judge(workers: Workers) -> list[Judged]:
    samples = [sample for sample in workers.samples if sample.exercise in catalogue()]
    found = []
    states = workers.each(count_and_judge, [sample.name for sample in samples])
    for sample, (counted, state) in zip(samples, states, strict=True):
        quality, shares = quality_of({"quality": state}), shares_of(state)
        if quality is None or shares is None:
            raise ValueError(f"{sample.name} has no two frames.")
        found.append(Judged(sample, counted, quality, shares))
    return found


def count_and_judge(name: str) -> tuple[int, dict[str, object]]:
    """Called in a worker: the repetitions of a recording, and the signs of its quality."""
    sample = recording(name)
    engine, counted, last_ms = Engine(catalogue()[sample.exercise]), 0, None
    summary = SessionSummary(engine)
    for frame in sample.frames:
        events = engine.feed(frame)
        counted += sum(event.type == "event_completed" for event in events)
        summary.accept(None if last_ms is None else frame.timestamp_ms - last_ms, events)
        last_ms = frame.timestamp_ms
    return counted, summary.quality.state()


def unsure(reasons: Iterable[QualityReason]) -> Sign:
    """The share that is not countable by these reasons alone."""
    of = tuple(reasons)

    def sign(one: Judged) -> float:
        shares = {reason: one.shares[reason] for reason in of}
        incomplete = shares.pop(QualityReason.INCOMPLETE_MOVEMENTS, 0.0)
        return 1.0 - (1.0 - sum(shares.values())) * (1.0 - incomplete)

    return sign


def limit_for(chosen_on: Collection[Judged], sign: Sign) -> float:
    """The limit above which MAX_SHARE_OF_REST of the recordings counted within one are marked."""
    rest = sorted((sign(one) for one in chosen_on if not one.is_miss), reverse=True)
    return rest[int(MAX_SHARE_OF_REST * len(rest))]


def marked(judged: Collection[Judged], limit: float, sign: Sign) -> Marked:
    misses = [sign(one) > limit for one in judged if one.is_miss]
    rest = [sign(one) > limit for one in judged if not one.is_miss]
    return Marked(len(misses), sum(misses), len(rest), sum(rest))


def by_people(all_: Sequence[Judged], sign: Sign) -> Marked:
    """Each person by the limit tuned on everybody else."""
    found = []
    for person in dict.fromkeys(one.sample.person for one in all_):
        own = [one for one in all_ if one.sample.person == person]
        others = [one for one in all_ if one.sample.person != person]
        found.append(marked(own, limit_for(others, sign), sign))
    return Marked(*map(sum, zip(*found, strict=True)))


def tables(workers: Workers) -> list[Table]:
    all_ = judge(workers)
    return [by_way(all_), by_reason(all_), by_recording(all_)]


def by_way(all_: Sequence[Judged]) -> Table:
    def shipped(judged: Collection[Judged]) -> Marked:
        return marked(judged, -DOUBTED_BELOW, lambda one: -one.quality.countable_share)

    sign = unsure(QualityReason)
    rows = [by_people(all_, sign).row("the limit tuned on the other people")]
    for dataset in DATASETS:
        there = [one for one in all_ if one.sample.dataset == dataset]
        others = [one for one in all_ if one.sample.dataset != dataset]
        of = marked(there, limit_for(others, sign), sign) if others else Marked(0, 0, 0, 0)
        rows.append(of.row(f"{dataset}, the limit tuned on the other set"))
    rows.append(shipped(all_).row(f"as shipped, below {DOUBTED_BELOW}"))
    good = [one for one in all_ if not one.sample.is_bad]
    rows.append(shipped(good).row(f"as shipped, below {DOUBTED_BELOW}, without the bad"))
    title = "Recordings that the countable share marks: of those not within one, and of the rest"
    return Table(title, ("how", *COLUMNS), rows)


def by_reason(all_: Sequence[Judged]) -> Table:
    """Each reason alone, and all but it, by the limit tuned on the other people."""
    rows: list[Row] = []
    for reason in QualityReason:
        others = [one for one in QualityReason if one is not reason]
        rows.append(by_people(all_, unsure((reason,))).row(f"{reason.value} alone"))
        rows.append(by_people(all_, unsure(others)).row(f"all but {reason.value}"))
    title = "The same by one reason alone and without it, tuned on the other people"
    return Table(title, ("reasons", *COLUMNS), rows)


def by_recording(all_: Sequence[Judged]) -> Table:
    listed = [one for one in all_ if one.is_miss or one.is_doubted]
    listed.sort(key=lambda one: (not one.is_miss, one.quality.countable_share))
    return Table(
        "Recordings not within one, and then the rest that is marked, as shipped",
        ("recording", "human", "counted", "countable share", "marked", "reasons"),
        [
            (
                *(one.sample.name, one.sample.count, one.counted, one.quality.countable_share),
                "yes" if one.is_doubted else "",
                ", ".join(reason.value for reason in one.quality.reasons),
            )
            for one in listed
        ],
    )
