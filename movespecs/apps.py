from django.apps import AppConfig


class MoveSpecsConfig(AppConfig):
    name = "movespecs"
    verbose_name = "MoveSpecs"
