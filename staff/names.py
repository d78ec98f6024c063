"""The names of rows and authors, told apart, and the links to their pages and lists."""

from functools import reduce
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import (
    Case,
    F,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.constants import LOOKUP_SEP
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.names import visible
from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    CredentialKind,
    Project,
    ServiceAccount,
    is_live,
)
from sessions_app.models import DetectionSession
from staff.display import first_digits, short_id
from webhooks.models import WebhookDelivery, WebhookEndpoint

# The path from each model that has a table to its project.
PROJECT_OF: dict[type[Model], str] = {
    Credential: "project",
    AccessToken: "project",
    MoveSpec: "project",
    MoveSpecDraft: "movespec__project",
    MoveSpecVersion: "movespec__project",
    Release: "movespec__project",
    DetectionSession: "project",
    WebhookEndpoint: "project",
    WebhookDelivery: "endpoint__project",
}


def with_customer(rows: QuerySet[Any]) -> QuerySet[Any]:
    """`rows` with the projects and organizations that their full names need."""
    if rows.model is Project:
        return rows.select_related("organization")
    path = _project_path(rows.model)
    return rows.select_related(f"{path}__organization") if path else rows


def project_of(row: Any) -> Project | None:
    path = _project_path(type(row))
    return reduce(getattr, path.split(LOOKUP_SEP), row) if path else None


def full_name(row: Any) -> str:
    """The name of `row` after the names of all its owners."""
    project = project_of(row)
    if project is None:
        return str(row)
    above = [row.movespec] if hasattr(row, "movespec") else []
    return " / ".join(map(str, [project, *above, row]))


def _project_path(model: type[Model]) -> str | None:
    return PROJECT_OF.get(model._meta.concrete_model or model)


OF_KIND: dict[str, type[Credential]] = {
    CredentialKind.API_KEY: ApiKey,
    CredentialKind.SERVICE_ACCOUNT: ServiceAccount,
}


def may_view(user: Any, model: type[Model]) -> bool:
    return bool(user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"))


def page_of(row: Model) -> str:
    """The address of the page of `row`. A credential has the page of its kind."""
    model = OF_KIND[row.kind] if isinstance(row, Credential) else type(row)
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def list_of(model: type[Model], **filters: Any) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def sessions_of(user: Any, **filters: Any) -> list[tuple[str, str]]:
    """The label and address of the list of some sessions, if `user` may see them."""
    if not may_view(user, DetectionSession):
        return []
    return [("Sessions", list_of(DetectionSession, **filters))]


def link_to(row: Model, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', page_of(row), text)


def linked(number: int, owned: type[Model], **narrowed: Any) -> SafeString:
    """A count that leads to the list of what it counts."""
    return format_html('<a href="{}">{}</a>', list_of(owned, **narrowed), number)


RELEASED = "current_released_version"


def in_use_first(model: type[Model]) -> list[Any]:
    """The terms of an order, before those of a model's own."""
    if issubclass(model, MoveSpec):
        # In other words than its index of all has: a plan would look through that for a customer.
        rank = Case(
            When(archived_at__isnull=False, **{f"{RELEASED}__isnull": True}, then=Value(3)),
            When(archived_at__isnull=False, then=Value(2)),
            When(**{f"{RELEASED}__isnull": True}, then=Value(1)),
            default=Value(0),
        )
        return [rank.asc()]
    if issubclass(model, Credential):
        # Django's CASE says what is not live; NOT of what compares with NULL would be NULL.
        is_over = Case(When(is_live(clock.now()), then=Value(0)), default=Value(1))
        return [is_over.asc(), F("last_used_at").desc(nulls_last=True)]
    return []


def with_release(rows: Any) -> Any:
    """MoveSpecs with what `release_words` reads."""
    return rows.select_related(RELEASED).defer(f"{RELEASED}__yaml_source")


def release_words(movespec: MoveSpec) -> str:
    version = movespec.current_released_version
    return f"v{version.version_number} released" if version else "nothing released"


def with_successor(credentials: Any) -> Any:
    """Credentials with the moment at which they were first replaced."""
    successors = Credential.objects.filter(replaces=OuterRef("pk")).order_by("created_at")
    return credentials.annotate(replaced_at=Subquery(successors.values("created_at")[:1]))


def told_apart(row: Any) -> str:
    """The full name of a row, its state, and its first digits: for a picker."""
    project = project_of(row)
    named = project and hasattr(row, "name")
    parts = [f"{project} / {visible(row.name)}" if named else full_name(row)]
    if isinstance(row, MoveSpec):
        parts.append("archived" if row.archived_at else release_words(row))
    if getattr(row, "suspended_at", None):
        parts.append("suspended")
    return " · ".join([*parts, first_digits(row.pk)])


class PickerView(AutocompleteJsonView):
    """What a picker offers. Django's own tells rows of one name not apart."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {**super().serialize_result(obj, to_field_name), "text": told_apart(obj)}


PLATFORM = "the platform"


def with_author(rows: Any, column: str, user: Any) -> Any:
    """`rows` with the name and kind of the credential in `column`, and whether `user` may see it.

    Read with the rows: a list of fifty takes no more statements than one of none.
    """
    author = Credential.objects.filter(pk=OuterRef(column))
    seen = [kind for kind, model in OF_KIND.items() if may_view(user, model)]
    return rows.annotate(
        author_name=Subquery(author.values("name")[:1]),
        author_kind=Subquery(author.filter(kind__in=seen).values("kind")[:1]),
    )


def author_of(row: Any, credential_id: UUID | None) -> SafeString | str:
    """The author of a row of `with_author`, which `credential_id` is."""
    if credential_id is None:
        return PLATFORM
    if row.author_name is None:  # of a database that was made by hand
        return format_html("a credential {}", short_id(credential_id))
    name = visible(row.author_name)
    if row.author_kind is None:
        return name
    return link_to(OF_KIND[row.author_kind](pk=credential_id, kind=row.author_kind), name)


def author_of_release(release: Any) -> SafeString | str:
    """The same of a release, which staff may have made."""
    if release.released_by_staff is not None:
        return str(release.released_by_staff.get_username())
    return author_of(release, release.released_by_credential)
