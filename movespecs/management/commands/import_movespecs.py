from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError

from common.commands import OperatorCommand
from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from movespecs.files import FileFault, movespecs_import
from movespecs.management.projects import add_project, project_of


class Command(OperatorCommand):
    help = (
        "Make the MoveSpecs and versions of a folder that export_movespecs has written: all of "
        "them, or none where a file is at fault. Safe to repeat: what is there stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_project(parser)
        parser.add_argument("folder", type=Path, help="what export_movespecs has written")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options)
        try:
            made = movespecs_import(project, options["folder"], now=clock.now())
        except FileFault as fault:
            raise CommandError(f"Nothing was imported. {fault}") from None
        except ApiError as error:
            raise CommandError(f"Nothing was imported. {error}") from None
        except IntegrityError:
            raise CommandError(
                "Nothing was imported. An id of the index was taken meanwhile, or it is that of "
                "another MoveSpec's version."
            ) from None
        self.print_result({"new_movespecs": made.movespecs, "new_versions": made.versions}, options)
