from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from common.commands import OperatorCommand
from common.names import name_argument
from kynaplatform.database.indexes import analyze_large_tables
from projects.models import DEFAULT_SCOPES
from staff.actions.organizations import onboard
from staff.command_line import user_id


class Command(OperatorCommand):
    help = (
        "Make an organization, a project in it and an API key with all scopes but data:erase. "
        "The key's secret is shown once. Run twice, it makes two."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--organization", type=name_argument, default="My organization", help="its name"
        )
        parser.add_argument("--project", type=name_argument, default="My project", help="its name")
        parser.add_argument(
            "--key-name", type=name_argument, default="Bootstrap key", help="the API key's name"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {
            "organization_name": options["organization"],
            "project_name": options["project"],
            "name": options["key_name"],
            "scopes": DEFAULT_SCOPES,
            "expires_at": None,
            "chosen_id": None,
        }
        with transaction.atomic():
            issued = onboard(given, user_id=user_id())
        analyze_large_tables()
        project = issued.credential.project
        self.print_result(
            {
                "organization_id": project.organization_id,
                "project_id": project.id,
                "api_key_id": issued.credential.id,
                "api_key_secret": issued.secret,
            },
            options,
        )
