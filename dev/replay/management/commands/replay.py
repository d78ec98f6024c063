from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError, CommandParser

from common.commands import OperatorCommand
from detection import MoveSpec
from dev.replay.engine_run import read_recording, run_engine
from dev.replay.event_lines import (
    INTERRUPTED,
    count_completed,
    count_interrupted,
    lines_of,
    quality_line,
)
from movespecs.management.commands.validate import add_spec_options, issue_lines, validate_file
from sessions_app.attempt_words import why_words
from sessions_app.events import whole_ts

INSTALL_MATPLOTLIB = "The plot needs matplotlib: pip install -r requirements-dev.txt"


class Command(OperatorCommand):
    help = (
        "Run the engine over a recording, offline: no server, no database. Prints the events, or "
        "one object with --json. With --plot it draws the angles, the bands of the phases and the "
        "repetitions; without it no file is written. With --explain it says of each attempt why it "
        "did not count, and what became of each check."
    )
    # Neither settings nor a database are used.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("recording", type=Path, help="a recording, NAME.json.gz")
        parser.add_argument(
            "--spec", type=Path, required=True, metavar="FILE", help="the YAML of a MoveSpec"
        )
        parser.add_argument(
            "--plot", type=Path, metavar="FILE", help="the picture to write, FILE.svg or a PNG"
        )
        parser.add_argument(
            "--angles",
            default="",
            metavar="NAME,…",
            help="the joints and leans to draw (default: all that the phases bound)",
        )
        parser.add_argument(
            "--explain",
            action="store_true",
            help="say why each attempt did not count: the reason, the criterion and by how much; "
            "and what became of each check",
        )
        add_spec_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        recording = read_recording(options["recording"])
        file = str(options["spec"])
        validation = validate_file(file, options)
        if (spec := validation.spec) is None:
            self.stderr.write("\n".join(issue_lines(file, validation.errors)))
            raise CommandError(f"Not valid: {file}")
        only = chosen_angles(options["angles"], spec)
        path: Path | None = options["plot"]
        if path is not None and find_spec("matplotlib") is None:
            raise CommandError(INSTALL_MATPLOTLIB)
        run = run_engine(spec, recording)
        events, quality = run.events, run.quality
        if options["json"]:
            result = {
                "completed": {spec.movement_name: 0} | count_completed(events),
                "interrupted": count_interrupted(events),
                "events": [
                    {"ts_ms": whole_ts(event.ts_ms), "type": event.type, "payload": event.payload}
                    for event in events
                ],
                "quality": None if quality is None else msgspec.to_builtins(quality),
            }
            if options["explain"]:
                result["attempts"] = [
                    {"ts_ms": whole_ts(event.ts_ms), "why": why_words(event.payload, spec)}
                    for event in events
                    if event.type == INTERRUPTED
                ]
                result["checks"] = run.checks
            self.print_result(result, options)
        else:
            for line in lines_of(spec, recording, run, is_explained=options["explain"]):
                self.stdout.write(line)
            if quality is not None and quality.reasons:
                self.stdout.write(quality_line(quality))
        if path is None:
            return
        from dev.replay.plot import draw

        try:
            draw(path, spec, recording, run, only)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stderr.write(f"{path} is written.")


def chosen_angles(names: str, spec: MoveSpec) -> list[str]:
    """Those named, none for all."""
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    known = {criterion.measure: None for phase in spec.phases for criterion in phase.criteria}
    for name in chosen:
        if name not in known:
            raise CommandError(f"--angles: {name} is not one of {', '.join(known)}.")
    return chosen
