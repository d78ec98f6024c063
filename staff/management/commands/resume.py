from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staff.actions.organizations import resume
from staff.command_line import Deed, OwnerCommand, locked_owner


class Command(OwnerCommand):
    help = (
        "Let the requests of a suspended organization or project in again. Sessions that were "
        "cancelled stay so."
    )

    def perform(self, options: Mapping[str, Any], now: datetime) -> Deed:
        row = locked_owner(options)
        sentence = resume(row)
        return Deed(row, sentence, {f"{options['kind']}_id": row.id, "suspended_at": None})
