import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, F, Q

from common.commands import OperatorCommand
from common.names import visible
from kynaplatform import clock
from projects.models import Credential, is_live


class Command(OperatorCommand):
    help = (
        "Count the credentials that each pepper of SECRET_PEPPERS hashed, and list the live ones "
        "that carry another than the newest, or the one of --number: those that were never used, "
        "then those that were not for the longest time. Exits with 1 if there are "
        "such: the pepper can be dropped once this exits with 0. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--number", type=int, help="list those that carry this pepper")

    def handle(self, *args: Any, **options: Any) -> None:
        live = is_live(clock.now())
        newest, number = next(iter(settings.SECRET_PEPPERS)), options["number"]
        other = ~Q(pepper_number=newest) if number is None else Q(pepper_number=number)
        peppers = count_by_pepper(live)
        if number is not None and number not in {row["number"] for row in peppers}:
            raise CommandError(f"No credential carries pepper {number}, nor is it configured.")
        found = Credential.objects.filter(live, other).select_related("project__organization")
        oldest_first = ("pepper_number", F("last_used_at").asc(nulls_first=True), "created_at")
        carrying = [present(credential) for credential in found.order_by(*oldest_first)]
        if options["json"]:
            result = {"newest": newest, "peppers": peppers, "credentials": carrying}
            self.stdout.write(json.dumps(result, default=str))
        else:
            for row in (*peppers, *carrying):
                shown = {name: "never" if value is None else value for name, value in row.items()}
                self.stdout.write("  ".join(f"{name} {value}" for name, value in shown.items()))
        if carrying:
            which = "another pepper than the newest" if number is None else f"pepper {number}"
            raise CommandError(f"Live credentials that carry {which}: {len(carrying)}.")


def count_by_pepper(live: Q) -> list[dict[str, Any]]:
    """For every pepper that is configured or carried, the newest first."""
    states = {
        "live": live,
        "expired": ~live & Q(revoked_at__isnull=True),
        "revoked": Q(revoked_at__isnull=False),
    }
    counts = {name: Count("pk", filter=state) for name, state in states.items()}
    by_pepper = Credential.objects.order_by().values(number=F("pepper_number"))
    found: dict[int, Any] = {row["number"]: row for row in by_pepper.annotate(**counts)}
    return [
        {
            "number": number,
            "is_configured": number in settings.SECRET_PEPPERS,
            **found.get(number, dict.fromkeys(states, 0)),
        }
        for number in sorted({*found, *settings.SECRET_PEPPERS}, reverse=True)
    ]


def present(credential: Credential) -> dict[str, Any]:
    """The credential as people know it; it mints no token where its pepper is not configured."""
    return {
        "pepper": credential.pepper_number,
        "works": credential.pepper_number in settings.SECRET_PEPPERS,
        "kind": credential.kind,
        "id": credential.id,
        "last_used_at": credential.last_used_at and credential.last_used_at.isoformat(),
        "name": visible(credential.name),
        "organization": visible(credential.project.organization.name),
        "project": visible(credential.project.name),
    }
