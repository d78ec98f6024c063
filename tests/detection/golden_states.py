"""Stored states of each released form, each from the middle of a repetition, with the frames that
follow and the events that must come of them.

    python -m tests.detection.golden_states

writes those of today's form. It never writes over a form's: what is stored outlives the code.
"""

import gzip
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import detection
from detection import DetectionEvent, Engine, Landmark, PoseFrame
from dev.poses.figure import perform

FOLDER = Path(__file__).with_name("golden_states")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "movespecs"
EXERCISES = ("squat", "lunge", "push-up", "jumping-jack")


class GoldenState(NamedTuple):
    movespec: str
    engine: dict[str, Any]
    frames: list[PoseFrame]
    events: list[DetectionEvent]


def folder_of(form: int) -> Path:
    return FOLDER / f"form-{form}"


def load(path: Path) -> GoldenState:
    stored = json.loads(gzip.decompress(path.read_bytes()))
    frames = [PoseFrame(ms, [Landmark(*mark) for mark in marks]) for ms, marks in stored["frames"]]
    events = [DetectionEvent(*event) for event in stored["events"]]
    return GoldenState(stored["movespec"], stored["engine"], frames, events)


def make(text: str, exercise: str) -> GoldenState:
    """The state in the middle of the second of three repetitions."""
    frames = [
        PoseFrame(round(frame.timestamp_ms, 3), [_rounded(mark) for mark in frame.landmarks])
        for frame in perform(exercise, repetitions=3, fps=15, noise_m=0.01, dropped=0.05, seed=5)
    ]
    spec = detection.compile(text)
    engine = Engine(spec)
    following = iter(frames)
    completed = 0
    while completed < 1 or engine.steps_reached != len(spec.sequence) - 1:
        events = engine.feed(next(following))
        completed += sum(event.type == "event_completed" for event in events)
    state = json.loads(json.dumps(engine.snapshot()))
    frames = list(following)
    events = [event for frame in frames for event in engine.feed(frame)] + engine.finish()
    return GoldenState(text, state, frames, events)


def _rounded(mark: Landmark) -> Landmark:
    x, y, z, visibility = mark
    return Landmark(round(x, 4), round(y, 4), round(z, 4), visibility)


def text_of(name: str) -> str:
    return (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")


def description(text: str) -> str:
    """The names, order and types of all that is stored of a MoveSpec, in lines."""
    engine = Engine(detection.compile(text))
    lines = [", ".join(engine.snapshot())]
    for part in engine.parts():
        kinds = ", ".join(f"{field.name}: {_word(field.type)}" for field in fields(part))
        lines.append(f"{type(part).__name__}: {kinds}")
    return "\n".join(lines) + "\n"


def _word(kind: Any) -> str:
    return kind.__name__ if type(kind) is type else str(kind)


def write() -> None:
    folder = folder_of(detection.SNAPSHOT_FORM)
    folder.mkdir(parents=True)
    # A MoveSpec with leans and sides in front.
    (folder / "stored.txt").write_text(description(text_of("lunge")))
    texts = {name: text_of(name) for name in EXERCISES}
    strict = re.sub(
        "(?m)^      - name: (.*)", r"      - strict: true\n        name: \1", texts["squat"]
    )
    for name, text in [*texts.items(), ("squat-strict", strict)]:
        state = make(text, name.removesuffix("-strict"))
        stored = json.dumps(state._asdict(), default=_plain, separators=(",", ":"))
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(stored.encode(), mtime=0))


def _plain(value: Any) -> Any:
    return [value.type, value.ts_ms, value.payload]


if __name__ == "__main__":
    write()
