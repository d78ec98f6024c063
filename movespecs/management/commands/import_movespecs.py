from typing import Any

from django.core.management.base import CommandError
from django.db import IntegrityError

from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from movespecs.files import FileFault, movespecs_import
from movespecs.management.projects import FolderCommand


class Command(FolderCommand):
    help = (
        "Make the MoveSpecs and versions of a folder that export_movespecs has written: all of "
        "them, or none where a file is at fault. Safe to repeat: what is there stays as it is."
    )
    folder_help = "what export_movespecs has written"

    def handle(self, *args: Any, **options: Any) -> None:
        project = self.project(**options)
        try:
            movespecs, versions = movespecs_import(project, options["folder"], now=clock.now())
        except (FileFault, ApiError) as error:
            raise CommandError(f"Nothing was imported. {error}") from None
        except IntegrityError:
            raise CommandError(
                "Nothing was imported. An id of the index was taken meanwhile, or it is that of "
                "another MoveSpec's version."
            ) from None
        self.print_result({"new_movespecs": movespecs, "new_versions": versions}, options)
