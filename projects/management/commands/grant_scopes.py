from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from kynaplatform import clock
from kynaplatform.api.commands import OperatorCommand
from projects.credentials import credential_grant
from projects.models import Credential
from projects.scopes import Scope


class Command(OperatorCommand):
    help = (
        "Let a live API key or service account mint tokens with further scopes. "
        "The tokens that it has minted stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("credential_id", type=UUID)
        parser.add_argument("scopes", nargs="+", choices=Scope.values, metavar="SCOPE")

    def handle(self, *args: Any, **options: Any) -> None:
        id_ = options["credential_id"]
        try:
            credential = credential_grant(
                credential_id=id_, scopes=options["scopes"], now=clock.now()
            )
        except Credential.DoesNotExist:
            raise CommandError(f"There is no live credential {id_}.") from None
        self.print_result({"credential_id": credential.id, "scopes": credential.scopes}, options)
