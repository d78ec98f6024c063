"""Runs of the engine over recordings and figures, spread over processes, each run once."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import detection
from detection import Engine, EngineSettings, MoveSpec, PoseFrame

from .samples import Film, Sample

SPECS = Path(__file__).resolve().parents[3] / "examples" / "movespecs"
SHIPPED = EngineSettings()

Completions = tuple[float, ...]
Job = TypeVar("Job")
Result = TypeVar("Result")


class Completion(NamedTuple):
    """An `event_completed`, as it may go from process to process: a compiled event can't."""

    ts_ms: float
    payload: dict[str, Any]


class Run(NamedTuple):
    """A MoveSpec over the recording of this name."""

    recording: str
    spec: MoveSpec
    settings: EngineSettings = SHIPPED


@cache
def catalogue() -> dict[str, MoveSpec]:
    """The catalogue's MoveSpecs by exercise."""
    return {
        path.stem: detection.compile(path.read_text(encoding="utf-8"))
        for path in sorted(SPECS.glob("*.yaml"))
    }


@cache
def adjusted(name: str, **numbers: float) -> MoveSpec:
    """A MoveSpec of the catalogue with these numbers for its parameters."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    return detection.compile(text, parameters=numbers)


def completed(
    spec: MoveSpec, frames: Iterable[PoseFrame], settings: EngineSettings = SHIPPED
) -> list[Completion]:
    engine = Engine(spec, settings)
    events = [event for frame in frames for event in engine.feed(frame)]
    events += engine.finish()
    return [
        Completion(event.ts_ms, event.payload)
        for event in events
        if event.type == "event_completed"
    ]


def completions(
    spec: MoveSpec, frames: Iterable[PoseFrame], settings: EngineSettings = SHIPPED
) -> Completions:
    """The times of completed repetitions, in the frames' milliseconds."""
    return tuple(event.ts_ms for event in completed(spec, frames, settings))


# The recordings and films of a worker, so that a job need only name one.
_recordings: dict[str, Sample] = {}
_films: dict[str, Film] = {}


def _know(samples: Sequence[Sample], films: Sequence[Film]) -> None:
    _recordings.clear()
    _recordings.update((sample.name, sample) for sample in samples)
    _films.clear()
    _films.update((film.name, film) for film in films)


def recording(name: str) -> Sample:
    """Called in a worker: the recording of that name."""
    return _recordings[name]


def film(name: str) -> Film:
    """Called in a worker: the film of that name."""
    return _films[name]


def _count(run: Run) -> Completions:
    return completions(run.spec, recording(run.recording).frames, run.settings)


class Workers:
    def __init__(
        self, samples: Sequence[Sample], processes: int = 1, films: Sequence[Film] = ()
    ) -> None:
        self.samples = samples
        self.films = films
        self._counted: dict[Run, Completions] = {}
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
            return list(self._pool.map(function, jobs, chunksize=4))
        _know(self.samples, self.films)
        return [function(job) for job in jobs]

    def count(self, runs: Iterable[Run]) -> dict[Run, Completions]:
        """The completions of each run. A run that was counted before is not counted again."""
        wanted = list(dict.fromkeys(runs))
        missing = [run for run in wanted if run not in self._counted]
        self._counted.update(zip(missing, self.each(_count, missing), strict=True))
        return {run: self._counted[run] for run in wanted}
