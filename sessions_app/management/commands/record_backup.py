from typing import Any

from common.commands import OperatorCommand
from kynaplatform import clock
from sessions_app.metrics import BACKUP, job_run_record


class Command(OperatorCommand):
    help = (
        "Record that a backup has ended well just now, for the metric and the alert of its age. "
        "Run it after the command that takes the backup, if that succeeded."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        job_run_record(name=BACKUP, now=now)
        self.print_result({"backup_at": now.isoformat()}, options)
