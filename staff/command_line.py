"""The base of the commands that do what staff do: a reason, and an entry in the same history."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.db.models import Model

from common.commands import OperatorCommand
from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from projects.models import Credential, Organization, Project
from staff.actions import ReasonForm, StaffAction, Submission
from staff.display import OF_KIND, with_customer
from staff.states import history_add

# No form and no `createsuperuser` accepts a name with a space: this is nobody's account.
USERNAME = "command line"
OWNERS: dict[str, type[Model]] = {"organization": Organization, "project": Project}
# What was done as a sentence for the history, None if nothing changed; and what is printed.
Answer = tuple[str | None, dict[str, Any]]


class StaffCommand(OperatorCommand):
    """A command that does one thing to one row with its entry in the history, or nothing."""

    action: ClassVar[StaffAction]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reason", required=True, help="kept in the history, for whoever asks later"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data = cleaned(ReasonForm({"reason": options["reason"]}))
        try:
            with transaction.atomic():
                row = self.locked(options)
                submission = Submission(data, user_id(), clock.now())
                sentence, answer = self.perform(row, options, submission)
                if sentence is not None:
                    history_add(
                        user_id=submission.user_id, row=row, message=sentence, reason=data["reason"]
                    )
        except ApiError as error:
            raise CommandError(str(error)) from None
        self.print_result(answer, options)

    def locked(self, options: Mapping[str, Any]) -> Any:
        """The row, locked until the transaction ends."""
        raise NotImplementedError

    def perform(self, row: Any, options: Mapping[str, Any], submission: Submission) -> Answer:
        """Do it: by default, the action. Raises CommandError or ApiError if it can't be done."""
        self.action.perform(row, submission)
        row.refresh_from_db()
        return self.action.sentence(row), self.answer(row, options)

    def answer(self, row: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class OwnerCommand(StaffCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=OWNERS)
        parser.add_argument("id", type=UUID)

    def locked(self, options: Mapping[str, Any]) -> Any:
        owners: Any = with_customer(OWNERS[options["kind"]]._default_manager.all())
        row = owners.select_for_update(of=("self",), no_key=True).filter(id=options["id"]).first()
        if row is None:
            raise CommandError(f"There is no {options['kind']} {options['id']}.")
        return row

    def answer(self, row: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{options['kind']}_id": row.id, "suspended_at": row.suspended_at}


class CredentialCommand(StaffCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("credential_id", type=UUID)

    def locked(self, options: Mapping[str, Any]) -> Any:
        id_ = options["credential_id"]
        locked = Credential.objects.select_for_update(no_key=True).filter(id=id_).first()
        if locked is None:
            raise CommandError(f"There is no credential {id_}.")
        return with_customer(OF_KIND[locked.kind]._default_manager.all()).get(id=id_)

    def answer(self, row: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"credential_id": row.id, "revoked_at": row.revoked_at}


def cleaned(form: forms.BaseForm, **named: str) -> dict[str, Any]:
    """The data of a form. Raises CommandError; `named` are options that are no field's name."""
    if not form.is_valid():
        errors = (
            f"{named.get(field, f'--{field}')}: {' '.join(map(str, errors))}"
            for field, errors in form.errors.items()
        )
        raise CommandError(" ".join(errors))
    return form.cleaned_data


def user_id() -> int:
    """The id of the user who stands for the command line in the history. It can't log in."""
    shut_out = {"is_active": False, "password": make_password(None)}
    user, _ = User.objects.get_or_create(username=USERNAME, defaults=shut_out)
    return user.pk
