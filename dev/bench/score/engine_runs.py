"""Runs of the engine over recordings and figures, spread over processes, each run once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import detection
from detection import Engine, EngineSettings, MoveSpec, PoseFrame

from .samples import Film, Sample

SPECS = Path(__file__).resolve().parents[3] / "examples" / "movespecs"
SHIPPED = EngineSettings()

Times = tuple[float, ...]
Job = TypeVar("Job")
Result = TypeVar("Result")


class Completion(NamedTuple):
    """An `event_completed`, as it may go from process to process: a compiled event can't."""

    ts_ms: float
    payload: dict[str, Any]


class Source(Protocol):
    """Frames that a worker loads or makes. A source must be hashable and picklable."""

    def frames(self) -> list[PoseFrame]: ...


class Recorded(NamedTuple):
    name: str

    def frames(self) -> list[PoseFrame]:
        return recording(self.name).frames


class Filmed(NamedTuple):
    """A film as it was made, by a camera at this angle, or one of its frames kept for `seconds`."""

    name: str
    angle: int | None = None
    still: int | None = None
    seconds: float = 0.0

    def frames(self) -> list[PoseFrame]:
        of: Film = _known[self.name]
        if self.still is not None:
            return of.still(self.still, seconds=self.seconds)
        return of.frames if self.angle is None else of.filmed_from(self.angle)


class Run(NamedTuple):
    source: Source
    spec: MoveSpec
    settings: EngineSettings = SHIPPED


@cache
def catalogue() -> dict[str, MoveSpec]:
    return {path.stem: adjusted(path.stem) for path in sorted(SPECS.glob("*.yaml"))}


@cache
def adjusted(name: str, **numbers: float) -> MoveSpec:
    """A MoveSpec of the catalogue with these numbers for its parameters."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    return detection.compile(text, parameters=numbers)


def completed(
    spec: MoveSpec, frames: Iterable[PoseFrame], settings: EngineSettings = SHIPPED
) -> list[Completion]:
    """The completions, whose times are in the frames' milliseconds."""
    engine = Engine(spec, settings)
    events = [event for frame in frames for event in engine.feed(frame)]
    events += engine.finish()
    return [
        Completion(event.ts_ms, event.payload)
        for event in events
        if event.type == "event_completed"
    ]


# The recordings and films of a worker by their names, so that a job need only name one.
_known: dict[str, Any] = {}


def _know(samples: Sequence[Sample], films: Sequence[Film]) -> None:
    _known.clear()
    _known.update({one.name: one for one in samples} | {one.name: one for one in films})


def recording(name: str) -> Sample:
    sample: Sample = _known[name]
    return sample


def _completed(runs: Sequence[Run]) -> list[list[Completion]]:
    frames = runs[0].source.frames()
    return [completed(run.spec, frames, run.settings) for run in runs]


def _times(runs: Sequence[Run]) -> list[Times]:
    return [tuple(one.ts_ms for one in of) for of in _completed(runs)]


class Workers:
    def __init__(
        self, samples: Sequence[Sample], processes: int = 1, films: Sequence[Film] = ()
    ) -> None:
        self.samples = samples
        self.films = films
        self._times: dict[Run, Times] = {}
        self._completed: dict[Run, list[Completion]] = {}
        self._pool = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(
                processes, initializer=_know, initargs=(samples, films)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def each(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
        """The function's result for each job, in order. Functions and jobs must be picklable."""
        if self._pool is not None:
            return list(self._pool.map(function, jobs))
        _know(self.samples, self.films)
        return [function(job) for job in jobs]

    def count(self, runs: Iterable[Run]) -> list[Times]:
        return self._once(_times, runs, self._times)

    def count_each(
        self, specs: Iterable[tuple[str, MoveSpec]], sources: Sequence[Source]
    ) -> Iterator[tuple[str, list[Times]]]:
        """For each named MoveSpec the times of its completions in each source."""
        runs = [(name, [Run(source, spec) for source in sources]) for name, spec in specs]
        self.count(run for _, of in runs for run in of)
        for name, of in runs:
            yield name, self.count(of)

    def completed(self, runs: Iterable[Run]) -> list[list[Completion]]:
        return self._once(_completed, runs, self._completed)

    def _once(
        self,
        function: Callable[[Sequence[Run]], list[Result]],
        runs: Iterable[Run],
        known: dict[Run, Result],
    ) -> list[Result]:
        """Each run's result. No run is done twice, and the frames of a source are made once."""
        wanted = list(runs)
        missing: dict[Source, list[Run]] = {}
        for run in dict.fromkeys(wanted):
            if run not in known:
                missing.setdefault(run.source, []).append(run)
        jobs = list(missing.values())
        for job, results in zip(jobs, self.each(function, jobs), strict=True):
            known.update(zip(job, results, strict=True))
        return [known[run] for run in wanted]
