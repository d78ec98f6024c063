from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from projects.credentials import credential_grant
from projects.models import Credential, Scope
from staff.command_line import CredentialCommand, Deed, locked_credential
from staff.names import full_name


class Command(CredentialCommand):
    help = (
        "Let a live API key or service account mint tokens with further scopes. "
        "The tokens that it has minted stay as they are. Repeated, it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("scopes", nargs="+", choices=Scope.values, metavar="SCOPE")

    def perform(self, options: Mapping[str, Any], now: datetime) -> Deed:
        row = locked_credential(options)
        try:
            granted = credential_grant(credential_id=row.id, scopes=options["scopes"], now=now)
        except Credential.DoesNotExist:
            raise CommandError(f"There is no live credential {row.id}.") from None
        new = ", ".join(sorted({*granted.scopes} - {*row.scopes}))
        return Deed(
            row,
            f"Granted {new} to {full_name(row)}." if new else None,
            {"credential_id": row.id, "scopes": granted.scopes, "is_changed": bool(new)},
        )
