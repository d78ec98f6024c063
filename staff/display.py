"""How values and rows are shown: badges, ids, moments, durations, names, links and authors."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import attrgetter
from typing import Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import Case, F, Model, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.constants import LOOKUP_SEP
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
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
from webhooks.models import WebhookDelivery, WebhookEndpoint

# `{% load staff_texts %}`: see TEMPLATES in the settings.
register = template.Library()
Tone = Literal["quiet", "good", "warning", "bad"]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WHOLE_ID = re.compile(r"(?<!\w)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)")


def badge(text: str, tone: Tone = "quiet", title: str = "") -> SafeString:
    """The badge of a state. `title` is the API's word for it, where that differs."""
    if title and title != text:
        return format_html('<span class="badge {}" title="{}">{}</span>', tone, title, text)
    return format_html('<span class="badge {}">{}</span>', tone, text)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class RowCount(int):
    """A number of rows, shown as `1,234`; or as `more than 1,000`, if no more were counted."""

    more = ""

    def __str__(self) -> str:
        return f"{self.more}{int(self):,}"


def count_up_to(*rows: QuerySet[Any], most: int = 100_000) -> RowCount:
    """How many rows there are in all. No more than `most` are counted."""
    number = sum(part.order_by()[: most + 1].count() for part in rows)
    counted = RowCount(min(number, most))
    if number > most:
        counted.more = "more than "
    return counted


def short_id(row_id: object) -> SafeString:
    """The first digits of an id. The whole id can be copied, and a screen reader reads it."""
    shown = len(first_digits(row_id))
    return format_html('<span class="short-id of-{0}" title="{1}">{1}</span>', shown, row_id)


def first_digits(row_id: object) -> str:
    """Enough digits to distinguish an id. Ids of version 7 begin with the time: all of that."""
    text = str(row_id)
    return text[: 13 if text[14:15] == "7" else 8]


@register.filter
def short_ids(text: object) -> SafeString:
    """`text` with each whole id in it as `short_id` shows it."""
    parts = re.split(f"({WHOLE_ID.pattern})", str(text))
    parts[1::2] = map(short_id, parts[1::2])
    return format_html_join("", "{}", ((part,) for part in parts))


@register.filter
def shortened(text: object) -> str:
    """`text` with only the first digits of each whole id, where markup is not possible."""
    return WHOLE_ID.sub(lambda found: first_digits(found[0]), str(text))


def moment(at: datetime, now: datetime) -> SafeString:
    """`5 min ago` or `in 3 h` within a day of now, else `21 Nov, 14:02`; the whole as its title."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        date_format(at, "DATETIME_FORMAT"),
        _moment_words(at, now),
    )


def _moment_words(at: datetime, now: datetime) -> str:
    away = abs(now - at)
    if away >= DAY:
        return date_format(at, "j M, H:i" if at.year == now.year else "j M Y")
    if away < MINUTE:
        return "just now" if at <= now else "in a moment"
    far = f"{away // HOUR} h" if away >= HOUR else f"{away // MINUTE} min"
    return f"{far} ago" if at <= now else f"in {far}"


def number_words(value: float) -> str:
    """A number as people write it: `110` for 110.0, and three decimals at most."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def duration(span: timedelta) -> str:
    """`1 h 2 min`, `5 min 10 s` or `3.2 s`, in two units at most."""
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{number_words(round(seconds, 1))} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def value_of(field: str, description: str, words: Callable[[Any], str]) -> Callable[[Any], Any]:
    """A column of a list that shows the `words` of the value in `field`, and sorts by it."""

    @admin.display(description=description, ordering=field)
    def shown(row: Any) -> str | None:
        value = getattr(row, field)
        return None if value is None else words(value)

    shown.plain = attrgetter(field)  # type: ignore[attr-defined]
    return shown


@cache
def moment_of(field: str, description: str | None = None) -> Callable[[Any], Any]:
    name = description or field.removesuffix("_at")
    return value_of(field, name, lambda at: moment(at, clock.now()))


@admin.display(description="id")
def id_column(row: Any) -> SafeString:
    return short_id(row.pk)


# The path from each model to its project.
PROJECT_OF: Final[dict[type[Model], str]] = {
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
OF_KIND: Final[dict[str, type[Credential]]] = {
    CredentialKind.API_KEY: ApiKey,
    CredentialKind.SERVICE_ACCOUNT: ServiceAccount,
}
RELEASED: Final = "current_released_version"


def _project_path(model: type[Model]) -> str | None:
    return PROJECT_OF.get(model._meta.concrete_model or model)


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


def may_view(user: Any, model: type[Model]) -> bool:
    return bool(user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"))


def page_of(row: Model, name: str = "change") -> str:
    """The address of the page of `row`, or of its action. A credential has those of its kind."""
    model = OF_KIND[row.kind] if isinstance(row, Credential) else type(row)
    return reverse(admin_urlname(model._meta, name), args=[row.pk])  # type: ignore[arg-type]


def list_of(model: type[Model], **filters: Any) -> str:
    address = reverse(admin_urlname(model._meta, "changelist"))  # type: ignore[arg-type]
    return f"{address}?{urlencode(filters)}" if filters else address


def lists_seen_by(
    user: Any, *lists: tuple[str, type[Model], dict[str, Any]]
) -> list[tuple[str, str]]:
    """The label and address of each of the `lists` that `user` may see: label, model, filters."""
    return [
        (label, list_of(model, **filters))
        for label, model, filters in lists
        if may_view(user, model)
    ]


def link(to: Model | str, text: object) -> SafeString:
    """A link to the page of a row, or to an address."""
    return format_html('<a href="{}">{}</a>', to if isinstance(to, str) else page_of(to), text)


def in_use_first(model: type[Model]) -> list[Any]:
    """The terms of an order to put before a model's own."""
    if issubclass(model, MoveSpec):
        # Not the expression of the model's index of all MoveSpecs: a plan would scan that index
        # to find those of one customer.
        rank = Case(
            When(archived_at__isnull=False, **{f"{RELEASED}__isnull": True}, then=Value(3)),
            When(archived_at__isnull=False, then=Value(2)),
            When(**{f"{RELEASED}__isnull": True}, then=Value(1)),
            default=Value(0),
        )
        return [rank.asc()]
    if issubclass(model, Credential):
        # A CASE, since NOT of a comparison with NULL would be NULL.
        is_over = Case(When(is_live(clock.now()), then=Value(0)), default=Value(1))
        return [is_over.asc(), F("last_used_at").desc(nulls_last=True)]
    return []


def release_words(movespec: MoveSpec) -> str:
    version = movespec.current_released_version
    return f"v{version.version_number} released" if version else "nothing released"


def distinct_name(row: Any) -> str:
    """The name of a row with its owners' and its first digits, since two may have one name."""
    project = project_of(row)
    name = f"{project} / {visible(row.name)}" if project else str(row)
    return f"{name} · {first_digits(row.pk)}"


class PickerView(AutocompleteJsonView):
    """Django's view of the options of a picker, with rows of one name distinguished."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {**super().serialize_result(obj, to_field_name), "text": distinct_name(obj)}


def with_author(rows: QuerySet[Any], column: str, user: Any) -> QuerySet[Any]:
    """`rows` with the name of the credential in `column`; and its kind, if `user` may view it."""
    author = Credential.objects.filter(pk=OuterRef(column))
    kinds = [kind for kind, model in OF_KIND.items() if may_view(user, model)]
    found: QuerySet[Any] = rows.annotate(
        author_name=Subquery(author.values("name")[:1]),
        author_kind=Subquery(author.filter(kind__in=kinds).values("kind")[:1]),
    )
    return found


def author_of(row: Any, credential_id: UUID | None) -> SafeString | str:
    """The author of a row of `with_author`, the credential `credential_id`: a link to its page."""
    if credential_id is None:
        return "the platform"
    if row.author_name is None:  # of a database that was made by hand
        return format_html("a credential {}", short_id(credential_id))
    if row.author_kind is None:
        return visible(row.author_name)
    author = OF_KIND[row.author_kind](pk=credential_id, kind=row.author_kind)
    return link(author, visible(row.author_name))
