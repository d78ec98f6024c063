from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands import number_of_days
from projects.models import Credential, is_live
from staff.actions import Submission
from staff.actions.credentials import RotateForm, as_long_again, rotate
from staff.command_line import Answer, CredentialCommand, cleaned

OVERLAPS = RotateForm.base_fields["overlap"]


class Command(CredentialCommand):
    help = (
        "Issue the successor of an API key or a service account, with the same project, name and "
        "scopes. Its secret is shown once. The old one goes on for a while."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--overlap-hours",
            type=int,
            choices=[hours for hours, _ in OVERLAPS.choices],  # type: ignore[attr-defined]
            default=OVERLAPS.initial,
            help="for how long the old one goes on; 0: it is revoked at once (default %(default)s)",
        )
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument(
            "--expires-in-days",
            type=number_of_days,
            help="when the new one expires; without, it lives as long as the last one was to",
        )
        expiry.add_argument(
            "--never-expires", action="store_true", help="the new one does not expire"
        )
        parser.add_argument(
            "--again",
            action="store_true",
            help="also where a live one replaces it already, as when that secret was lost",
        )

    def perform(self, row: Any, options: Mapping[str, Any], submission: Submission) -> Answer:
        now, days = submission.now, options["expires_in_days"]
        successor = row.successors.filter(is_live(now)).first()
        if successor is not None and not options["again"]:
            raise CommandError(f"{successor} replaces it already. --again issues another.")
        expires_at: datetime | None = None
        if not options["never_expires"]:
            expires_at = as_long_again(row, now) if days is None else now + timedelta(days=days)
        form = RotateForm(
            {
                "seen_expires_at": row.expires_at,
                "overlap": options["overlap_hours"],
                "expires_at": expires_at,
                "reason": options["reason"],
            }
        )
        data = cleaned(form, overlap="--overlap-hours", expires_at="--expires-in-days")
        issued, sentence = rotate(row, submission._replace(data=data))
        row.refresh_from_db(fields=["expires_at", "revoked_at"])
        new: Credential = issued.credential
        return sentence, {
            "credential_id": row.id,
            "works_until": row.revoked_at or row.expires_at,
            f"{new.kind}_id": new.id,
            f"{new.kind}_secret": issued.secret,
            "expires_at": new.expires_at,
        }
