import time
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError

from kynaplatform.database.connections import is_lock_timeout
from kynaplatform.database.indexes import analyze_large_tables

PAUSE_SECONDS = 2.0


class Command(migrate.Command):
    """Django's, which lets go of what it waits for: all who come after would wait behind it.

    What was migrated before stays; a migration that met a lock was undone, and is begun again.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            try:
                super().handle(*args, **options)
                if not (options["plan"] or options["check_unapplied"]):
                    analyze_large_tables()
            except OperationalError as error:
                if not is_lock_timeout(error):
                    raise
                self.stderr.write("A table is in use: letting others pass, then trying again.")
                time.sleep(PAUSE_SECONDS)
            else:
                return
