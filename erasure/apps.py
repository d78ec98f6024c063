from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "erasure"
    verbose_name = "Erasures"

    def ready(self) -> None:
        from erasure.ledger import ledger_metrics, sessions_note
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS, ReadCollector
        from sessions_app.lifecycle import erased

        DATABASE_COLLECTORS.append(ReadCollector(ledger_metrics))
        erased.connect(sessions_note)
