from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from kynaplatform.api.commands import OperatorCommand
from kynaplatform.api.names import name_argument
from kynaplatform.database.statistics import analyze_large_tables
from projects.credentials import credential_issue
from projects.models import CredentialKind, Organization, Project


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
        with transaction.atomic():
            organization = Organization.objects.create(name=options["organization"])
            project = Project.objects.create(name=options["project"], organization=organization)
            key, secret = credential_issue(
                project=project, kind=CredentialKind.API_KEY, name=options["key_name"]
            )
        analyze_large_tables()
        self.print_result(
            {
                "organization_id": organization.id,
                "project_id": project.id,
                "api_key_id": key.id,
                "api_key_secret": secret,
            },
            options,
        )
