"""The base of commands for a project and a folder with its MoveSpecs."""

from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from common.commands import OperatorCommand
from projects.models import Project


class FolderCommand(OperatorCommand):
    folder_help: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("project", type=UUID, help="the id of the project")
        parser.add_argument("folder", type=Path, help=self.folder_help)

    def project(self, **options: Any) -> Project:
        project = Project.objects.filter(id=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        return project
