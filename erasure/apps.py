from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "erasure"
    verbose_name = "Erasures"

    def ready(self) -> None:
        from erasure.ledger import LedgerCollector, sessions_note
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS
        from sessions_app.lifecycle import erased

        DATABASE_COLLECTORS.append(LedgerCollector())
        erased.connect(sessions_note)
