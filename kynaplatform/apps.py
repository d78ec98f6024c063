from django.apps import AppConfig


class KynaplatformConfig(AppConfig):
    name = "kynaplatform"

    def ready(self) -> None:
        from kynaplatform import checks  # noqa: F401
