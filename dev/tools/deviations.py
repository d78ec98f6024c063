"""The table of what is counted of an exercise that is done differently: docs/movespec/otherwise.md.

Its exercises are those of the cookbook of a clinic, its columns ways of doing them. `make course`
writes it from the engine, run on the figure.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from detection import DetectionEvent, MoveSpec
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import Movement, recorded
from dev.replay.engine_run import run_engine
from dev.replay.event_lines import COMPLETED, INTERRUPTED
from dev.tools.course import FOLDER, Run, runs

PAGE = FOLDER / "otherwise.md"
EXERCISES = FOLDER / "cookbook-clinic.md"
# What stands above each column, and how `perform` does it.
WAYS = {
    "as prescribed": "",
    "half of it": " --variant shallow",
    "a pause midway": " --variant paused",
    "double speed": " --variant double-speed",
    "10 frames a second": " --fps 10",
    "the other side": " --variant other-side",
    "out of the picture": " --variant out-of-picture",
}
BADLY = "badly done"
REPETITIONS = 4
HEADER = f"| exercise | {' | '.join((*WAYS, BADLY))} |"
FRAME_RATES = (6, 8, 10, 12, 15, 20, 30)
# Seconds by which the same movement begins later, so that its frames show other moments of it.
LATE = (0.0, 0.02, 0.05)
FRAMES_HEADER = f"| frames a second | {' | '.join(map(str, FRAME_RATES))} |"
_FRAMES = re.compile(re.escape(FRAMES_HEADER) + r"\n\|[-|]+\|\n(?:\|.*\|\n)*")
_TABLE = re.compile(re.escape(HEADER) + r"\n\|[-|]+\|\n(?:\|.*\|\n)*")


def exercises() -> Iterator[tuple[Run, Run]]:
    """Each exercise as it is done well and badly."""
    well_and_badly = list(runs(EXERCISES))
    return zip(well_and_badly[::2], well_and_badly[1::2], strict=True)


def table() -> str:
    rows = [_row(well, badly) for well, badly in exercises()]
    rule = "|" + "---|" * (len(WAYS) + 2)
    return "\n".join([HEADER, rule, *rows]) + "\n"


def with_tables(text: str) -> str:
    """The page, with the tables of today."""
    return _FRAMES.sub(lambda _: frames_table(), _TABLE.sub(lambda _: table(), text))


def _row(well: Run, badly: Run) -> str:
    name, *how = badly.performed.split(" --variant ")
    name = name.split()[0]
    times = 20 if name == "high-knees" else REPETITIONS
    done = f"{name} --repetitions {times}"
    ways = [*WAYS.values(), f" --variant {how[0]}"]
    cells = [
        outcome(run_engine(well.spec, Run(well.source, done + way, "", "").recording)[0])
        for way in ways
    ]
    return f"| {name.replace('-', ' ')} | {' | '.join(cells)} |"


def outcome(events: list[DetectionEvent]) -> str:
    """What was counted, why the rest was not, and which checks were missed by what was."""
    completed = [event.payload for event in events if event.type == COMPLETED]
    reasons = Counter(
        event.payload["reason"].replace("_", " ") for event in events if event.type == INTERRUPTED
    )
    said = [str(len(completed))]
    missed = Counter(
        check["name"]
        for payload in completed
        for check in payload["metrics"].get("checks", ())
        if check["met"] is False
    )
    if completed and not missed and any(of["metrics"]["form"] == 0 for of in completed):
        said.append("form 0")
    said += [f"{times} without *{name}*" for name, times in missed.items()]
    said += [f"{times} {reason}" for reason, times in reasons.items()]
    return ", ".join(said)


def frames_table() -> str:
    """How many of 20 high knees are counted, at the worst of three moments to begin."""
    [run] = [well for well, _ in exercises() if well.performed.startswith("high-knees")]
    movement = run.movement
    counts = []
    for fps in FRAME_RATES:
        begun = (replace(movement, rest_seconds=movement.rest_seconds + late) for late in LATE)
        counts.append(min(_completed(run.spec, one, fps) for one in begun))
    return (
        f"{FRAMES_HEADER}\n{'|---' * (len(FRAME_RATES) + 1)}|\n"
        f"| counted of 20 | {' | '.join(map(str, counts))} |\n"
    )


def _completed(spec: MoveSpec, movement: Movement, fps: int) -> int:
    run = run_engine(spec, recorded(movement, repetitions=20, fps=fps))
    return sum(event.type == COMPLETED for event in run.events)


def main() -> int:
    text = PAGE.read_text(encoding="utf-8")
    anew = with_tables(text)
    if anew != text:
        PAGE.write_text(anew, encoding="utf-8")
        say(f"course | {PAGE.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
