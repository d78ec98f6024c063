from django.apps import AppConfig


class KynaplatformConfig(AppConfig):
    name = "kynaplatform"

    def ready(self) -> None:
        # Imported for what they register.
        from kynaplatform import checks  # noqa: F401
        from kynaplatform.database import connections  # noqa: F401
