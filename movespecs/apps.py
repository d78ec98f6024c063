from django.apps import AppConfig


class MoveSpecsConfig(AppConfig):
    name = "movespecs"
    verbose_name = "MoveSpecs"

    def ready(self) -> None:
        from movespecs import checks  # noqa: F401 - for what it registers
