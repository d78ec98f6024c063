from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staff.actions.credentials import revoke
from staff.command_line import CredentialCommand, Deed, locked_credential


class Command(CredentialCommand):
    help = (
        "Revoke an API key or a service account. It mints no token any more, and those that it "
        "has minted are refused at once. This can't be undone."
    )

    def perform(self, options: Mapping[str, Any], now: datetime) -> Deed:
        row = locked_credential(options)
        sentence = revoke(row, now=now)
        return Deed(row, sentence, {"credential_id": row.id, "revoked_at": now})
