import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from clients.python.connection import StreamRefusedError
from clients.python.rest import RequestFailedError, RestClient, version_of_text
from clients.python.session_run import StatusLines, attempts, run_session, waiting
from clients.python.stream import StreamLostError
from common.commands import OperatorCommand
from dev.replay.engine_run import read_recording
from dev.replay.event_lines import EventLines, count_completed, count_interrupted

MAX_BATCH_FRAMES = 300
CREDENTIALS = ("project_id", "api_key_secret")
FAILURES = (RequestFailedError, StreamRefusedError, StreamLostError, msgspec.DecodeError)


class Command(OperatorCommand):
    help = (
        "Stream a recording to a session of its own, as a client: mint, create, attach, stream, "
        "finalize. Prints the events as they come and the final record, and fails unless the "
        "repetitions are those that people counted and every count agrees. A limit, a restart or "
        "a proxy that finds no server is waited out: 2 minutes for a request, an hour for the "
        "stream."
    )
    # It speaks to a server, and uses neither settings nor a database of its own.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("recording", type=Path, help="a recording, NAME.json.gz")
        parser.add_argument(
            "--movespec",
            required=True,
            metavar="ID|FILE",
            help="a released MoveSpec of the project; or a YAML file, which becomes a MoveSpec "
            "that is kept: the same text is the same MoveSpec in every run",
        )
        parser.add_argument(
            "--credentials",
            type=Path,
            metavar="FILE",
            help="JSON with project_id and api_key_secret, as `bootstrap_project --json` prints "
            "it (default: demo.json of `make run`)",
        )
        parser.add_argument("--server", metavar="URL", help="default: base_url of the credentials")
        parser.add_argument(
            "--speed",
            type=float,
            metavar="TIMES",
            help="times as fast as recorded (default: as fast as frames are acknowledged)",
        )
        parser.add_argument(
            "--batch-frames", type=int, default=15, help="frames of each batch (default 15)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["batch_frames"] <= MAX_BATCH_FRAMES:
            raise CommandError(f"--batch-frames is 1 to {MAX_BATCH_FRAMES}.")
        if options["speed"] is not None and not options["speed"] > 0:
            raise CommandError("--speed is more than 0.")
        recording = read_recording(options["recording"])
        credentials = read_credentials(options["credentials"])
        server = options["server"] or credentials.get("base_url")
        if not server:
            raise CommandError("--server is needed: the credentials name no base_url.")
        try:
            api = RestClient(server, on_wait=lambda *wait: self.stderr.write(waiting(*wait)))
            api.mint(credentials["api_key_secret"])
            reference = reference_to(api, credentials["project_id"], options["movespec"])
            lines = EventLines()
            on_event = (
                None if options["json"] else lambda event: self.stdout.write(lines.line(event))
            )
            run = run_session(
                api,
                recording.moments(),
                project_id=credentials["project_id"],
                mode="replay",
                reference=reference,
                listener=StatusLines(on_event=on_event, file=sys.stderr),
                batch_frames=options["batch_frames"],
                speed=options["speed"],
            )
        except FAILURES as failure:
            raise CommandError(str(failure)) from failure
        except KeyboardInterrupt as stop:
            raise CommandError("Stopped: the session is cancelled.", returncode=130) from stop
        count = recording.count
        faults, completed = run.faults(count), count_completed(run.stream.events)
        if options["json"]:
            result = {
                "completed": completed,
                "interrupted": count_interrupted(run.stream.events),
                "expected": count,
                "attaches": run.stream.attaches,
                "faults": faults,
                "record": run.record,
                "events": run.stored_events,
            }
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write("")
            self.print_result(run.record, options)
            by_people = "nobody counted them" if count is None else f"recorded {count}"
            self.stdout.write(f"\n{completed.total()} repetitions ({by_people})")
            if run.attempts:
                self.stdout.write(attempts(run.attempts))
        if faults:
            raise CommandError(" ".join(faults))


def read_credentials(path: Path | None) -> dict[str, str]:
    path = path or settings.DATA_DIR / "demo.json"
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read ({error.strerror}): start `make run`, or name --credentials."
        ) from error
    except ValueError as error:
        raise CommandError(f"{path} is not JSON.") from error
    if not isinstance(found, dict) or not all(isinstance(found.get(k), str) for k in CREDENTIALS):
        raise CommandError(f"{path} holds no {' and '.join(CREDENTIALS)}.")
    return found


def reference_to(api: RestClient, project_id: str, movespec: str) -> dict[str, str]:
    """The fields that create a session by `movespec`, an id or a file."""
    try:
        return {"movespec_id": str(UUID(movespec))}
    except ValueError:
        path = Path(movespec)
    try:
        yaml_source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{movespec} is neither an id nor a file to read.") from error
    return {"movespec_version_id": version_of_text(api, project_id, path.stem, yaml_source)}
