from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from projects.credentials import credential_grant
from projects.models import Credential, Scope
from staff.actions import Submission
from staff.command_line import Answer, CredentialCommand
from staff.display import full_name


class Command(CredentialCommand):
    help = (
        "Let a live API key or service account mint tokens with further scopes. "
        "The tokens that it has minted stay as they are. Repeated, it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("scopes", nargs="+", choices=Scope.values, metavar="SCOPE")

    def perform(self, row: Any, options: Mapping[str, Any], submission: Submission) -> Answer:
        try:
            granted = credential_grant(
                credential_id=row.id, scopes=options["scopes"], now=submission.now
            )
        except Credential.DoesNotExist:
            raise CommandError(f"There is no live credential {row.id}.") from None
        new = ", ".join(sorted({*granted.scopes} - {*row.scopes}))
        sentence = f"Granted {new} to {full_name(row)}." if new else None
        answer = {"credential_id": row.id, "scopes": granted.scopes, "is_changed": bool(new)}
        return sentence, answer
