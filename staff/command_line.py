"""The base of the commands that do what staff do: a reason, and an entry in the same history."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from common.commands import OperatorCommand
from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from projects.models import Credential, Organization, Project
from staff.actions.base import ReasonForm
from staff.history import history_add
from staff.names import OF_KIND, with_customer

# No form and no `createsuperuser` takes a name with a space: this is nobody's account.
USERNAME = "command line"
OWNERS: dict[str, type[Organization] | type[Project]] = {
    "organization": Organization,
    "project": Project,
}


class Deed(NamedTuple):
    """A deed on `row` as a sentence for the history, None if nothing changed; and the answer."""

    row: Any
    sentence: str | None
    answer: dict[str, Any]


class StaffCommand(OperatorCommand):
    """A command that does one thing with its entry in the history, or nothing."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reason", required=True, help="kept in the history, for whoever asks later"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        reason = cleaned(ReasonForm({"reason": options["reason"]}))["reason"]
        try:
            with transaction.atomic():
                deed = self.perform(options, clock.now())
                if deed.sentence is not None:
                    history_add(
                        user_id=user_id(), row=deed.row, message=deed.sentence, reason=reason
                    )
        except ApiError as error:
            raise CommandError(str(error)) from None
        self.print_result(deed.answer, options)

    @abstractmethod
    def perform(self, options: Mapping[str, Any], now: datetime) -> Deed:
        """Do it, in a transaction. Raises CommandError or ApiError for what can't be done."""


class OwnerCommand(StaffCommand):
    """A command on an organization or a project."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=OWNERS)
        parser.add_argument("id", type=UUID)


def locked_owner(options: Mapping[str, Any]) -> Any:
    """The organization or the project that is named, locked until the transaction ends."""
    owners: Any = with_customer(OWNERS[options["kind"]]._default_manager.all())
    row = owners.select_for_update(of=("self",), no_key=True).filter(id=options["id"]).first()
    if row is None:
        raise CommandError(f"There is no {options['kind']} {options['id']}.")
    return row


class CredentialCommand(StaffCommand):
    """A command on an API key or a service account."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("credential_id", type=UUID)


def locked_credential(options: Mapping[str, Any]) -> Credential:
    """The credential that is named, as one of its kind, locked until the transaction ends."""
    id_ = options["credential_id"]
    locked = Credential.objects.select_for_update(no_key=True).filter(id=id_).first()
    if locked is None:
        raise CommandError(f"There is no credential {id_}.")
    row: Credential = with_customer(OF_KIND[locked.kind]._default_manager.all()).get(id=id_)
    return row


def cleaned(form: forms.BaseForm, **named: str) -> dict[str, Any]:
    """The data of a form. Raises CommandError; `named` are options that are no field's name."""
    if not form.is_valid():
        told = (
            f"{named.get(field, f'--{field}')}: {' '.join(map(str, errors))}"
            for field, errors in form.errors.items()
        )
        raise CommandError(" ".join(told))
    return form.cleaned_data


def user_id() -> int:
    """The id of the user by whom the history tells that it was the command line.

    It can't log in.
    """
    user, is_new = User.objects.get_or_create(username=USERNAME, defaults={"is_active": False})
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user.pk
