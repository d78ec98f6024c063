from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS
        from kynaplatform.metrics.readiness import DATABASE_QUESTIONS, OK
        from projects.signing import ENCRYPTED_ANEW
        from webhooks.endpoints import encrypt_anew
        from webhooks.metrics import WebhookCollector
        from webhooks.models import PAUSED, SenderState

        DATABASE_QUESTIONS["webhooks"] = lambda: PAUSED if SenderState.pause_reason() else OK
        DATABASE_COLLECTORS.append(WebhookCollector())
        ENCRYPTED_ANEW.append(encrypt_anew)
