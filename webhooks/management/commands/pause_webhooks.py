from typing import Any

from common.commands import OperatorCommand
from kynaplatform import clock
from webhooks.models import SenderState


class Command(OperatorCommand):
    help = (
        "Send no webhooks until `resume_webhooks`: after a restore, and before a copy of the "
        "database starts. What is being sent is finished; new messages are written, and wait. "
        "Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        SenderState.pause(clock.now())
        reason = SenderState.pause_reason()
        if options["json"]:
            self.print_result({"paused": reason}, options)
        else:
            self.stdout.write(f"No webhooks are sent: {reason}.")
