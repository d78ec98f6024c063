from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands import OperatorCommand
from erasure import ledger
from kynaplatform import clock
from sessions_app.metrics import job_run_record


class Command(OperatorCommand):
    help = (
        "Append what was erased since the last time to a file, which is kept apart from the "
        "database and its backups. After a restore `apply_erasures` reads it. It holds ids and "
        "times, and nothing of a person. Safe to repeat, and to run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            lines = ledger.export(options["file"], now=now)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None
        job_run_record(name=ledger.EXPORT, now=now)
        self.print_result({"lines": lines}, options)
