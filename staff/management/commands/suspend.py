from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staff.actions.organizations import suspend
from staff.command_line import Deed, OwnerCommand, locked_owner


class Command(OwnerCommand):
    help = (
        "Suspend an organization with all its projects, or a project. Its requests are refused, "
        "and its live sessions cancelled at once, for good."
    )

    def perform(self, options: Mapping[str, Any], now: datetime) -> Deed:
        row = locked_owner(options)
        sentence = suspend(row, now=now)
        return Deed(row, sentence, {f"{options['kind']}_id": row.id, "suspended_at": now})
