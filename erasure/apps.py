from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "erasure"
    verbose_name = "Erasures"

    def ready(self) -> None:
        from erasure.ledger import sessions_note
        from erasure.metrics import LedgerCollector
        from kynaplatform.metrics.requests import DATABASE_COLLECTORS
        from sessions_app.removal import erased

        DATABASE_COLLECTORS.append(LedgerCollector())
        erased.connect(sessions_note)
