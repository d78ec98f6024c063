from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS, ReadCollector
        from kynaplatform.metrics.readiness import DATABASE_QUESTIONS, OK
        from projects.signing import ENCRYPTED_ANEW
        from webhooks.endpoints import encrypt_anew
        from webhooks.metrics import webhook_metrics
        from webhooks.models import PAUSED, SenderState

        DATABASE_QUESTIONS["webhooks"] = lambda: PAUSED if SenderState.pause_reason() else OK
        DATABASE_COLLECTORS.append(ReadCollector(webhook_metrics))
        ENCRYPTED_ANEW.append(encrypt_anew)
