from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "erasure"
    verbose_name = "Erasures"

    def ready(self) -> None:
        from erasure.ledger import sessions_note
        from sessions_app.removal import erased

        erased.connect(sessions_note)
