from typing import Any

from common.commands import OperatorCommand
from kynaplatform import clock
from sessions_app.metrics import SWEEP, job_run_record
from sessions_app.session_sweep import expire_sessions


class Command(OperatorCommand):
    help = (
        "End every session whose deadline has passed: one sweep, as each worker makes every "
        "5 seconds. Safe to run beside it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        changed = expire_sessions(now=clock.now())
        job_run_record(name=SWEEP, now=clock.now())
        self.print_result({"changed": changed}, options)
