"""`python -m dev.tools.course`: what the course of the language shows, from its own MoveSpecs.

A page in docs/movespec/ has MoveSpecs, and below each what `replay --explain` prints for the figure
that the sentence before names: `perform squat --repetitions 2`. A row of its mistakes has a change
of the first MoveSpec, and what `validate` says then. docs/movespec/otherwise.md has tables of what
is counted when the exercises of the cookbook of a clinic are done in other ways. This runs it all
and writes the output into the pages; the pictures are drawn from the same runs. A test compares
all.
"""

import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from detection import DetectionEvent, MoveSpec, validate
from detection import compile as compile_movespec
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS, Movement, Variant, read_movement, recorded
from dev.poses.recordings import Recording
from dev.replay.engine_run import EngineRun, run_engine
from dev.replay.event_lines import COMPLETED, INTERRUPTED, lines_of
from movespecs.management.commands.validate import as_lines

FOLDER = PROJECT / "docs" / "movespec"
# The pages with each line of what is printed; others leave out those of phases.
WHOLE = ("first-movement", "sequence")
MISTAKES = "\n## Common mistakes\n"
# The YAML of a MoveSpec, or a performance of the figure with the block of its output.
_PARTS = re.compile(
    r"^```yaml\n(?P<spec>name: .*?)^```$"
    r"|`perform (?P<performed>[^`]+)`(?:[^`]*`(?P<replayed>replay [^`]+)`)?[^`]*?"
    r"\n\n```\n(?P<printed>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# The block of what `validate` says of the first MoveSpec, which the page saves as NAME.yaml.
_VALIDATED = re.compile(
    r"as `(?P<file>[\w-]+\.yaml)`:.*?`validate` says[^`]*?\n\n```\n(?P<said>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_MISTAKE = re.compile(r"^\| `(?P<right>.+?)` \| `(?P<wrong>.+?)` \|(?P<said>.*)\|$", re.MULTILINE)
OTHERWISE = FOLDER / "otherwise.md"
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


@dataclass(frozen=True)
class Run:
    """A MoveSpec of a page, the figure that it was tried on, and what the page has of it."""

    source: str
    performed: str
    replayed: str
    printed: str

    @property
    def movement(self) -> Movement:
        movement, variant, _ = self._performance()
        return movement.varied(variant) if variant else movement

    @property
    def repetitions(self) -> int:
        _, _, options = self._performance()
        return int(options.get("repetitions", self.movement.repetitions))

    @property
    def spec(self) -> MoveSpec:
        options = list(_options(self.replayed))
        given = (value.split("=") for option, value in options if option == "parameter")
        return compile_movespec(
            self.source,
            parameters={name: float(number) for name, number in given},
            locale=dict(options).get("locale"),
        )

    @property
    def recording(self) -> Recording:
        movement, variant, options = self._performance()
        fps = float(options.get("fps", 30))
        return recorded(movement, repetitions=self.repetitions, variant=variant, fps=fps)

    def _performance(self) -> tuple[Movement, Variant | None, dict[str, str]]:
        name = self.performed.partition(" ")[0]
        options = dict(_options(self.performed))
        movement = _movement(name)
        variant = options.get("variant")
        return movement, movement.variants()[variant] if variant else None, options

    def counted(self) -> EngineRun:
        return run_engine(self.spec, self.recording)

    def text(self, *, is_whole: bool) -> str:
        """What `replay --explain` prints, with the lines of phases or without."""
        lines = lines_of(self.spec, self.recording, self.counted(), is_explained=True)
        return "".join(f"{line}\n" for line in lines if is_whole or " confidence " not in line)


def runs(page: Path) -> Iterator[Run]:
    """Each figure that a page performs, with the MoveSpec above it."""
    source = ""
    for part in _PARTS.finditer(page.read_text(encoding="utf-8")):
        if part["spec"] is not None:
            source = part["spec"]
        else:
            yield Run(source, part["performed"], part["replayed"] or "", part["printed"])


def specs(page: Path) -> list[str]:
    found = _PARTS.finditer(page.read_text(encoding="utf-8"))
    return [part["spec"] for part in found if part["spec"] is not None]


def pages() -> list[Path]:
    return sorted(FOLDER.glob("*.md"))


@cache
def _movement(name: str) -> Movement:
    if name.endswith(".yaml"):
        return read_movement((PROJECT / name).read_text(encoding="utf-8"))
    return MOVEMENTS[name]


def _options(words: str) -> Iterator[tuple[str, str]]:
    """Of `NAME --option value …` each option with its value."""
    _, *rest = shlex.split(words.replace(" --explain", "")) or [""]
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        yield option.removeprefix("--"), value


def verdict(source: str, right: str, wrong: str) -> str:
    """The first finding of a MoveSpec in which `wrong` stands in place of the first `right`."""
    if right not in source:
        raise ValueError(right)
    validation = validate(source.replace(right, wrong, 1))
    issue = (*validation.errors, *validation.warnings)[0]
    return f"{issue.severity}: {issue.message}"


def written_anew(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    todays = iter([run.text(is_whole=page.stem in WHOLE) for run in runs(page)])

    def anew(part: re.Match[str]) -> str:
        if part["spec"] is not None:
            return part[0]
        whole, start = part[0], part.start()
        begin, end = (at - start for at in part.span("printed"))
        return whole[:begin] + next(todays) + whole[end:]

    def judged(row: re.Match[str]) -> str:
        said = verdict(specs(page)[0], row["right"], row["wrong"])
        return f"| `{row['right']}` | `{row['wrong']}` | {said} |"

    def validated(part: re.Match[str]) -> str:
        lines = as_lines(part["file"], validate(specs(page)[0]))
        start, end = (at - part.start() for at in part.span("said"))
        return part[0][:start] + "".join(f"{line}\n" for line in lines) + part[0][end:]

    text = _VALIDATED.sub(validated, text)
    before, heading, mistakes = _PARTS.sub(anew, text).partition(MISTAKES)
    text = before + heading + _MISTAKE.sub(judged, mistakes)
    if page != OTHERWISE:
        return text
    return _FRAMES.sub(lambda _: frames_table(), _TABLE.sub(lambda _: table(), text))


def exercises() -> Iterator[tuple[Run, Run]]:
    well_and_badly = list(runs(EXERCISES))
    return zip(well_and_badly[::2], well_and_badly[1::2], strict=True)


def table() -> str:
    rows = [HEADER, "|" + "---|" * (len(WAYS) + 2)]
    for well, badly in exercises():
        performed, *how = badly.performed.split(" --variant ")
        name = performed.split()[0]
        done = f"{name} --repetitions {20 if name == 'high-knees' else REPETITIONS}"
        cells = []
        for way in (*WAYS.values(), f" --variant {how[0]}"):
            cells.append(outcome(replace(well, performed=done + way).counted().events))
        rows.append(f"| {name.replace('-', ' ')} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


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
    begun = [replace(run.movement, rest_seconds=run.movement.rest_seconds + late) for late in LATE]

    def completed(movement: Movement, fps: int) -> int:
        found = run_engine(run.spec, recorded(movement, repetitions=20, fps=fps))
        return sum(event.type == COMPLETED for event in found.events)

    counts = [min(completed(movement, fps) for movement in begun) for fps in FRAME_RATES]
    return (
        f"{FRAMES_HEADER}\n{'|---' * (len(FRAME_RATES) + 1)}|\n"
        f"| counted of 20 | {' | '.join(map(str, counts))} |\n"
    )


def main() -> int:
    for page in pages():
        anew = written_anew(page)
        if anew != page.read_text(encoding="utf-8"):
            page.write_text(anew, encoding="utf-8")
            say(f"course | {page.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
