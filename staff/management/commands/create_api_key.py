from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from common.commands import OperatorCommand, number_of_days
from common.names import name_argument
from kynaplatform import clock
from projects.models import DEFAULT_SCOPES, CredentialKind, Project, Scope
from staff.actions.credentials import issue
from staff.command_line import user_id


class Command(OperatorCommand):
    help = (
        "Make an API key of a project. Its secret is shown once. "
        "Several keys can be live at once, so that one can be rotated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("project_id", type=UUID)
        parser.add_argument(
            "--name", type=name_argument, default="API key", help="for people to recognise it"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="a scope that it has; repeat for several; without, it has all but data:erase",
        )
        parser.add_argument(
            "--expires-in-days", type=number_of_days, help="without, it does not expire"
        )
        parser.add_argument(
            "--service-account",
            action="store_true",
            help="make a service account instead of an API key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(id=options["project_id"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project_id']}.")
        is_account, days = options["service_account"], options["expires_in_days"]
        kind = CredentialKind.SERVICE_ACCOUNT if is_account else CredentialKind.API_KEY
        given = {
            "name": options["name"],
            "scopes": options["scope"] or DEFAULT_SCOPES,
            "expires_at": None if days is None else clock.now() + timedelta(days=days),
            "chosen_id": None,
        }
        with transaction.atomic():
            issued = issue(project, kind, given, user_id=user_id())
        credential = issued.credential
        self.print_result(
            {
                "project_id": project.id,
                f"{kind}_id": credential.id,
                f"{kind}_secret": issued.secret,
                "scopes": credential.scopes,
                "expires_at": credential.expires_at and credential.expires_at.isoformat(),
            },
            options,
        )
