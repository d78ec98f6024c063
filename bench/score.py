"""Print how the catalogue's MoveSpecs count the recordings of people in RECORDINGS_DIR.

    make score

For each recording: the human count, the engine's, and the engine's within the span of the human's
repetitions, which some recordings go on beyond. For each exercise: how many counts are exact, how
many within one (OBO), and the mean absolute error (MAE). Then the same cross-validated: each
recording counted with the settings and bounds that do best on all the others. Then stressed: each
recording, up to the end of the human's repetitions, in all the variants of poses/variants.py.
"""

import itertools
import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import detection
from detection import Engine, EngineSettings, MoveSpec, PoseFrame
from poses import recordings
from poses.variants import CHANGES

SPECS = Path(__file__).resolve().parents[1] / "examples" / "movespecs"

SHIPPED = EngineSettings()
# The settings that were chosen on the recordings, each with the values tried: the middle first, so
# that of equally good choices the cross-validation takes the most ordinary.
SETTINGS = {
    "depth_weight": (0.15, 0.2, 0.1, 0.3),
    "smoothing_ms": (40.0, 30.0, 60.0),
    "approach_degrees": (20.0, 15.0, 25.0),
    "short_degrees": (25.0, 20.0),
}
# The bounds of the joint that moves, (large, small), by exercise.
BOUNDS = {
    "push-up": tuple(itertools.product((140.0, 135.0, 145.0), (115.0, 110.0, 120.0))),
    "squat": tuple(itertools.product((145.0, 140.0, 150.0), (115.0, 110.0, 120.0))),
}

Bounds = tuple[float, float]
# Of one choice of settings: by exercise and bounds, the error of each recording.
Errors = dict[tuple[str, Bounds], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    exercise: str
    count: int
    span_ms: tuple[float, float] | None
    frames: list[PoseFrame]


@dataclass(frozen=True, slots=True)
class Result:
    sample: Sample
    counted: int
    in_span: int | None

    @property
    def error(self) -> int:
        return abs(self.counted - self.sample.count)


def load_samples(folder: Path) -> list[Sample]:
    """The recordings of exercises that the catalogue knows and a human has counted."""
    samples = []
    for path in sorted(folder.glob("*.json.gz")):
        recording = recordings.load(path)
        exercise = recording.exercise.replace("_", "-")
        if exercise not in BOUNDS or recording.count is None:
            continue
        span = None
        if recording.rep_frames:
            (start, _), (last_start, end) = recording.rep_frames[0], recording.rep_frames[-1]
            # A repetition is told a little after its end: half of its length is allowed for that.
            end_ms = (end + (end - last_start) / 2) * 1000 / recording.fps
            span = (start * 1000 / recording.fps, end_ms)
        name = path.name.removesuffix(".json.gz")
        samples.append(Sample(name, exercise, recording.count, span, recording.pose_frames()))
    return samples


def count(spec: MoveSpec, sample: Sample, settings: EngineSettings = SHIPPED) -> Result:
    engine = Engine(spec, settings)
    events = [event for frame in sample.frames for event in engine.feed(frame)]
    times = [event.ts_ms for event in events if event.type == "event_completed"]
    in_span = None
    if sample.span_ms is not None:
        start, end = sample.span_ms
        in_span = sum(start <= time <= end for time in times)
    return Result(sample, len(times), in_span)


def catalogue_spec(exercise: str) -> MoveSpec:
    return detection.compile((SPECS / f"{exercise}.yaml").read_text(encoding="utf-8"))


def with_bounds(spec: MoveSpec, bounds: Bounds) -> MoveSpec:
    """The catalogue's MoveSpec with other bounds of the joint that moves: first of each phase."""
    large, small = bounds
    phases = []
    for phase in spec.phases:
        moving, *others = phase.criteria
        if moving.angle_min > 0:
            moving = replace(moving, angle_min=large)
        else:
            moving = replace(moving, angle_max=small)
        phases.append(replace(phase, criteria=(moving, *others)))
    return replace(spec, phases=tuple(phases))


def errors_by_choice(samples: list[Sample]) -> dict[EngineSettings, Errors]:
    choices = {}
    for values in itertools.product(*SETTINGS.values()):
        chosen: dict[str, Any] = dict(zip(SETTINGS, values, strict=True))
        settings = replace(SHIPPED, **chosen)
        choices[settings] = {
            (exercise, bounds): {
                sample.name: count(
                    with_bounds(catalogue_spec(exercise), bounds), sample, settings
                ).counted
                - sample.count
                for sample in samples
                if sample.exercise == exercise
            }
            for exercise, all_bounds in BOUNDS.items()
            for bounds in all_bounds
        }
    return choices


def cost(errors: dict[str, int], counts: dict[str, int], left_out: str) -> tuple[int, int, float]:
    """Less is better: recordings not within one, not exact, and errors as shares of the counts."""
    kept = {name: abs(error) for name, error in errors.items() if name != left_out}
    return (
        sum(error > 1 for error in kept.values()),
        sum(error > 0 for error in kept.values()),
        sum(error / max(counts[name], 1) for name, error in kept.items()),
    )


def cross_validated(samples: list[Sample]) -> list[Result]:
    choices = errors_by_choice(samples)
    return [
        Result(sample, sample.count + _error_when_left_out(sample, samples, choices), None)
        for sample in samples
    ]


def _error_when_left_out(
    left_out: Sample, samples: list[Sample], choices: dict[EngineSettings, Errors]
) -> int:
    counts = {sample.name: sample.count for sample in samples}
    best = []
    for errors in choices.values():
        # Given the settings, the bounds of each exercise are chosen by themselves.
        chosen = {
            exercise: min(
                all_bounds,
                key=lambda bounds: cost(errors[exercise, bounds], counts, left_out.name),
            )
            for exercise, all_bounds in BOUNDS.items()
        }
        costs = [cost(errors[choice], counts, left_out.name) for choice in chosen.items()]
        error = errors[left_out.exercise, chosen[left_out.exercise]][left_out.name]
        best.append((tuple(map(sum, zip(*costs, strict=True))), error))
    return min(best, key=lambda pair: pair[0])[1]


def stressed(samples: list[Sample]) -> list[Result]:
    results = []
    for sample in samples:
        end_ms = sample.span_ms[1] if sample.span_ms else math.inf
        frames = [frame for frame in sample.frames if frame.timestamp_ms <= end_ms]
        spec = catalogue_spec(sample.exercise)
        for change in CHANGES:
            changed = replace(sample, span_ms=None, frames=change(frames))
            results.append(count(spec, changed))
    return results


def table(results: list[Result], validated: list[Result]) -> list[str]:
    lines = [f"{'recording':36} human  ours  in span  cross-validated"]
    for result, other in zip(results, validated, strict=True):
        in_span = "-" if result.in_span is None else result.in_span
        lines.append(
            f"{result.sample.name:36} {result.sample.count:5} {result.counted:5} {in_span:>8}"
            f" {other.counted:>16}"
        )
    return lines


def summary(title: str, results: list[Result]) -> list[str]:
    lines = ["", f"{title:20} recordings  exact  within one   MAE"]
    for exercise in sorted({result.sample.exercise for result in results}):
        errors = [result.error for result in results if result.sample.exercise == exercise]
        exact, within = sum(e == 0 for e in errors), sum(e <= 1 for e in errors)
        mae = sum(errors) / len(errors)
        lines.append(f"{exercise:20} {len(errors):10} {exact:6} {within:11} {mae:5.2f}")
    return lines


def main() -> int:
    folder = os.environ.get("RECORDINGS_DIR")
    if not folder:
        sys.stderr.write("Set RECORDINGS_DIR to a folder of recordings (NAME.json.gz).\n")
        return 2
    samples = load_samples(Path(folder))
    if not samples:
        sys.stderr.write(f"No recording of {', '.join(BOUNDS)} in {folder}.\n")
        return 2
    results = [count(catalogue_spec(sample.exercise), sample) for sample in samples]
    validated = cross_validated(samples)
    lines = table(results, validated)
    lines += summary("as shipped", results) + summary("cross-validated", validated)
    lines += summary("stressed", stressed(samples))
    print("\n".join(lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
