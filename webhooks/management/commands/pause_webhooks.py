from typing import Any

from kynaplatform import clock
from kynaplatform.api.commands import OperatorCommand
from webhooks.pause import pause_reason, webhooks_pause


class Command(OperatorCommand):
    help = (
        "Send no webhooks until `resume_webhooks`: after a restore, and before a copy of the "
        "database starts. What is being sent ends; messages go on being written, and wait. "
        "Answers why nothing is sent. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        webhooks_pause(now=clock.now())
        self.print_result({"paused": pause_reason()}, options)
