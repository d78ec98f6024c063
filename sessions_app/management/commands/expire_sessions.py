from typing import Any

from kynaplatform import clock
from kynaplatform.api.commands import OperatorCommand
from sessions_app.session_sweep import expire_sessions


class Command(OperatorCommand):
    help = (
        "End every session whose deadline has passed: one sweep, as each worker makes every "
        "5 seconds. Safe to run beside it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.print_result({"changed": expire_sessions(now=clock.now())}, options)
