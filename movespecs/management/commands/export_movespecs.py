from typing import Any

from django.core.management.base import CommandError

from movespecs.files import movespecs_write
from movespecs.management.projects import FolderCommand


class Command(FolderCommand):
    help = (
        "Write a project's MoveSpecs into a folder: movespecs.json, and each draft and version as "
        "a YAML file, as written. Safe to repeat in the same folder."
    )
    folder_help = "made where it is not there"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            index = movespecs_write(self.project(**options), options["folder"])
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        versions = sum(len(entry.versions) for entry in index.movespecs)
        self.print_result({"movespecs": len(index.movespecs), "versions": versions}, options)
