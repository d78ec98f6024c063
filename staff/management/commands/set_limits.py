from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.management.base import CommandError, CommandParser
from django.forms import modelform_factory

from staff.actions import Submission
from staff.actions.organizations import deletion_words
from staff.base import DEFAULT, changes_of, limit_words
from staff.command_line import Answer, OwnerCommand, cleaned


class Command(OwnerCommand):
    help = (
        "Set limits of an organization or a project, such as rate_limit=600, or "
        "rate_limit=default. Those that are not named stay. Repeated, it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("limits", nargs="+", metavar="NAME=NUMBER")
        parser.add_argument(
            "--delete-older",
            action="store_true",
            help="with fewer retention_days: delete the sessions that are older, for good",
        )

    def perform(self, row: Any, options: Mapping[str, Any], submission: Submission) -> Answer:
        # The limits of the page.
        page: Any = admin.site.get_model_admin(type(row))
        given = parse(options["limits"], options["kind"], page.limits)
        form = modelform_factory(type(row), fields=[*given])(given, instance=row)
        cleaned(form, **{name: name for name in given})
        changed = form.changed_data
        if "retention_days" in changed and not options["delete_older"]:
            before = form.initial["retention_days"]
            if deletes := deletion_words(row, row.retention_days, before, submission.now):
                raise CommandError(f"{deletes} To delete them, add --delete-older.")
        row.save(update_fields=changed)
        return f"Set limits of {row}: {changes_of(form)}." if changed else None, {
            f"{options['kind']}_id": row.id,
            **{name: limit_words(getattr(row, name)) for name in page.limits},
            "is_changed": bool(changed),
        }


def parse(texts: list[str], kind: str, known: Mapping[str, str]) -> dict[str, str]:
    """The values of a form by the names of its fields."""
    given: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            raise CommandError(f"{name}: the limits of a {kind} are {', '.join(known)}.")
        if name in given:
            raise CommandError(f"{name}: it is given twice.")
        if not value:
            raise CommandError(f"{name}: give it a number, or `{name}={DEFAULT}`.")
        given[name] = "" if value == DEFAULT else value
    return given
