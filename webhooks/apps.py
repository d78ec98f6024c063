from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS
        from kynaplatform.metrics.readiness import DATABASE_QUESTIONS
        from projects.signing import ENCRYPTED_ANEW
        from webhooks.endpoints import encrypt_anew
        from webhooks.metrics import WebhookCollector
        from webhooks.pause import webhooks_state

        DATABASE_QUESTIONS["webhooks"] = webhooks_state
        DATABASE_COLLECTORS.append(WebhookCollector())
        ENCRYPTED_ANEW.append(encrypt_anew)
