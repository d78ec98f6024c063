"""The check of what ships with the catalogue; `manage.py check` lists it by its id."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from movespecs.accuracy import read_cards


# With the tag of what keeps every process from starting.
@register("kynaplatform")
def check_accuracy_cards(**_: Any) -> list[CheckMessage]:
    try:
        read_cards()
    except ValueError as fault:
        hint = (
            "`make score ARGS=--write-docs` writes it. Restore it, or remove it to show no cards."
        )
        return [Error(str(fault), hint=hint, id="movespecs.E001")]
    return []
