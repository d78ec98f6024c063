from typing import Any

from django.db.models import Min

from common.commands import OperatorCommand
from webhooks.models import DeliveryStatus, WebhookDelivery
from webhooks.pause import pause_reason, webhooks_resume


class Command(OperatorCommand):
    help = (
        "Send webhooks again after a restore or `pause_webhooks`. Run it once no other copy of the "
        "database sends them. Prints how many messages wait, when the oldest was written, and what "
        "still keeps them from being sent. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING)
        number = waiting.count()
        oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
        webhooks_resume()
        reason = pause_reason()
        if options["json"]:
            found = {"waiting": number, "oldest": oldest, "paused": reason}
            self.print_result(found, options)
            return
        sent = f"No webhooks are sent: {reason}." if reason else "Webhooks are sent."
        since = f", the oldest since {oldest:%Y-%m-%d %H:%M} UTC" if oldest else ""
        self.stdout.write(f"{sent} Messages that waited: {number}{since}.")
