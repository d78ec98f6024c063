from django.apps import AppConfig


class MoveSpecsConfig(AppConfig):
    name = "movespecs"
    verbose_name = "MoveSpecs"

    def ready(self) -> None:
        from movespecs import accuracy  # noqa: F401 - for the check that it registers
