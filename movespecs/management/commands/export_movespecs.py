from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands import OperatorCommand
from movespecs.files import movespecs_write
from movespecs.management.projects import add_project, project_of


class Command(OperatorCommand):
    help = (
        "Write a project's MoveSpecs into a folder: movespecs.json, and each draft and version as "
        "a YAML file, as written. Safe to repeat in the same folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_project(parser)
        parser.add_argument("folder", type=Path, help="made where it is not there")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            index = movespecs_write(project_of(options), options["folder"])
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        versions = sum(len(entry.versions) for entry in index.movespecs)
        self.print_result({"movespecs": len(index.movespecs), "versions": versions}, options)
