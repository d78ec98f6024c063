"""The project that a command is for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from projects.models import Project


def add_project(parser: CommandParser) -> None:
    parser.add_argument("project", type=UUID, help="the id of the project")


def project_of(options: Mapping[str, Any]) -> Project:
    """Raises CommandError where there is none."""
    project = Project.objects.filter(id=options["project"]).first()
    if project is None:
        raise CommandError(f"There is no project {options['project']}.")
    return project
