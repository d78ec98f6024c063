from typing import Any

from django.db.models import Min

from kynaplatform.api.commands import OperatorCommand
from webhooks.models import DeliveryStatus, WebhookDelivery
from webhooks.pause import pause_reason, webhooks_resume


class Command(OperatorCommand):
    help = (
        "Send webhooks from this database, once no other one of its copies does. Answers how many "
        "messages wait, when the first of them was written, and what still keeps them from being "
        "sent. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING)
        found = {
            "waiting": waiting.count(),
            "oldest": waiting.aggregate(oldest=Min("created_at"))["oldest"],
        }
        webhooks_resume()
        self.print_result({**found, "paused": pause_reason()}, options)
