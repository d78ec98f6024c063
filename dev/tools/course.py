"""`python -m dev.tools.course`: what the course of the language shows, from its own MoveSpecs.

A page in docs/movespec/ has MoveSpecs, and below each what `replay --explain` prints of it, for the
figure that the sentence before names: `perform squat --repetitions 2`. A row of its mistakes has
what is written otherwise in the first MoveSpec, and what `validate` says then. This runs both and
writes it into the page; the pictures are drawn from the same runs. A test compares all.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from detection import MoveSpec, validate
from detection import compile as compile_movespec
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS, Movement, read_movement, recorded
from dev.poses.recordings import Recording
from dev.replay.engine_run import EngineRun, run_engine
from dev.replay.event_lines import lines_of
from movespecs.management.commands.validate import as_lines

FOLDER = PROJECT / "docs" / "movespec"
# The pages with each line of what is printed; others leave out those of phases.
WHOLE = ("first-movement", "sequence")
MISTAKES = "\n## Common mistakes\n"
# The YAML of a MoveSpec, or a figure that performs and the block of what is told of it.
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


@dataclass(frozen=True)
class Run:
    """A MoveSpec of a page, the figure that it was tried on, and what the page has of it."""

    source: str
    performed: str
    replayed: str
    printed: str

    @property
    def movement(self) -> Movement:
        """As it is done: as often as the page says, and in its variant."""
        name, options = _options(self.performed)
        movement = _movement(name)
        if variant := options.get("variant"):
            movement = movement.varied(movement.variants()[variant[0]])
        return movement

    @property
    def repetitions(self) -> int:
        options = _options(self.performed)[1]
        return int(options.get("repetitions", [str(self.movement.repetitions)])[0])

    @property
    def spec(self) -> MoveSpec:
        options = _options(self.replayed or "replay")[1]
        given = dict(one.split("=") for one in options.get("parameter", []))
        return compile_movespec(
            self.source,
            parameters={name: float(number) for name, number in given.items()},
            locale=options.get("locale", [None])[0],
        )

    @property
    def recording(self) -> Recording:
        name, options = _options(self.performed)
        movement = _movement(name)
        variant = options.get("variant")
        return recorded(
            movement,
            repetitions=self.repetitions,
            variant=movement.variants()[variant[0]] if variant else None,
            fps=float(options.get("fps", ["30"])[0]),
        )

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
    """The MoveSpecs of a page."""
    found = _PARTS.finditer(page.read_text(encoding="utf-8"))
    return [part["spec"] for part in found if part["spec"] is not None]


def pages() -> list[Path]:
    return sorted(FOLDER.glob("*.md"))


@cache
def _movement(name: str) -> Movement:
    if name.endswith(".yaml"):
        return read_movement((PROJECT / name).read_text(encoding="utf-8"))
    return MOVEMENTS[name]


def _options(words: str) -> tuple[str, dict[str, list[str]]]:
    """`NAME --option value …`, split."""
    name, *rest = shlex.split(words.replace(" --explain", ""))
    found: dict[str, list[str]] = {}
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        found.setdefault(option.removeprefix("--"), []).append(value)
    return name, found


def verdict(source: str, right: str, wrong: str) -> str:
    """The first finding of a MoveSpec in which `wrong` stands in place of the first `right`."""
    if right not in source:
        raise ValueError(right)
    validation = validate(source.replace(right, wrong, 1))
    issue = (*validation.errors, *validation.warnings)[0]
    return f"{issue.severity}: {issue.message}"


def written_anew(page: Path) -> str:
    """The page, with what is printed today."""
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
    return before + heading + _MISTAKE.sub(judged, mistakes)


def main(*_: Any) -> int:
    for page in pages():
        anew = written_anew(page)
        if anew != page.read_text(encoding="utf-8"):
            page.write_text(anew, encoding="utf-8")
            say(f"course | {page.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
