from typing import Any

from django.db.models import Count, Min

from common.commands import OperatorCommand
from webhooks.models import DeliveryStatus, SenderState, WebhookDelivery


class Command(OperatorCommand):
    help = (
        "Send webhooks again after a restore or `pause_webhooks`. Run it once no other copy of the "
        "database sends them. Prints how many messages wait, when the oldest was written, and what "
        "still keeps them from being sent. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING)
        found = waiting.aggregate(waiting=Count("id"), oldest=Min("created_at"))
        SenderState.resume()
        reason = SenderState.pause_reason()
        if options["json"]:
            self.print_result({**found, "paused": reason}, options)
            return
        oldest = found["oldest"]
        sent = f"No webhooks are sent: {reason}." if reason else "Webhooks are sent."
        since = f", the oldest since {oldest:%Y-%m-%d %H:%M} UTC" if oldest else ""
        self.stdout.write(f"{sent} Messages that waited: {found['waiting']}{since}.")
