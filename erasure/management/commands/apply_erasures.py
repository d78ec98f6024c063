import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from common.commands import OperatorCommand
from erasure.ledger import Line, erase_again, lines_of
from erasure.tasks import batches_do, pending
from kynaplatform import clock

# Rounds of a second. An erasure waits for 70 s at most.
MAX_WAITS: Final = 120


class Command(OperatorCommand):
    help = (
        "Erase again what a restore brought back, by the file of `export_erasures`. Run it before "
        "the processes start. It ends once all is erased. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        self.unreadable = 0
        try:
            sessions = erase_again(self._lines(options["file"]), now=clock.now())
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None
        waits = 0
        while left := pending().count():
            if waits == MAX_WAITS:
                raise CommandError(f"{left} erasures don't go on: the log says why. Run it again.")
            batches = [*batches_do(now=clock.now())]
            sessions += sum(batch.sessions for batch in batches)
            waits = 0 if any(batch.rows or batch.is_last for batch in batches) else waits + 1
            if pending().exists():
                time.sleep(1)  # a session that was just cancelled is erased a little later
        self.print_result({"sessions": sessions, "unreadable_lines": self.unreadable}, options)

    def _lines(self, path: Path) -> Iterator[Line]:
        for line in lines_of(path):
            if line is None:
                self.unreadable += 1
            else:
                yield line
