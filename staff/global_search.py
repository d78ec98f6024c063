"""The search box of every page: customers, keys, MoveSpecs and sessions, by name or id."""

from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.db.models import Case, IntegerField, Model, Q, QuerySet, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from common.names import visible
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects.models import (
    AccessToken,
    ApiKey,
    Organization,
    Project,
    ServiceAccount,
    SigningKey,
)
from sessions_app.models import DetectionSession
from staff.display import badge, short_id
from staff.lists import require_known, require_no_secret, require_short
from staff.names import full_name, in_use_first, list_of, page_of, project_of, release_words
from staff.search_terms import ids_of, means_one_id, searched, words_of
from staff.session_list import labelled
from staff.states import with_suspensions
from webhooks.models import WebhookDelivery, WebhookEndpoint

MAX_FOUND = 5
# The models that are searched, in the order of the results: by names, as their lists are, or by
# id alone.
NAMED: tuple[type[Model], ...] = (Organization, Project, ApiKey, ServiceAccount, MoveSpec)
BY_ID: tuple[type[Model], ...] = (
    MoveSpecVersion, MoveSpecDraft, DetectionSession, WebhookEndpoint, WebhookDelivery,
    AccessToken, SigningKey,
)  # fmt: skip
# The list of sessions is searched by the names of these, and by more. The box only leads there.
NAME_SESSIONS = (Organization, Project, MoveSpec)


class Found(NamedTuple):
    name: str
    short_id: SafeString | None
    state: SafeString | None
    address: str


class FoundOfKind(NamedTuple):
    """The first results of a kind, and the address of the list of all if there are more."""

    kind: str
    rows: list[Found]
    all: str | None


def search_text(request: HttpRequest) -> str:
    """The text to search for. Raises Refused if the address has any other parameter."""
    require_known(request.GET, {"q"})
    text = request.GET.get("q", "").strip()
    require_short(text)
    require_no_secret(text)
    return text


def find(request: HttpRequest, text: str) -> list[FoundOfKind]:
    """The results for `text`, of the kinds that the user may view."""
    pages = {model: admin.site.get_model_admin(model) for model in NAMED + BY_ID}
    found = {
        model: _found(page, request, text)
        for model, page in pages.items()
        if page.has_view_permission(request)
    }
    if (sessions := found.get(DetectionSession)) and not sessions.rows:
        named = any(found[one].rows for one in NAME_SESSIONS if one in found)
        is_label = not means_one_id(text) and bool(words_of(text)) and bool(labelled(text))
        of_name = list_of(DetectionSession, q=text) if named or is_label else None
        found[DetectionSession] = sessions._replace(all=of_name)
    return [one for one in found.values() if one.rows or one.all]


def _found(page: Any, request: HttpRequest, text: str) -> FoundOfKind:
    rows, meant = page.get_queryset(request), ids_of(text)
    if page.model in NAMED and not means_one_id(text):
        # Of a short id its own rows alone, and not what its owner has.
        fields = [path for path in page.search_fields if path == "=id" or path[0] != "="]
        rows = _ranked(searched(rows, text, fields), text, meant)
    else:
        rows = rows.filter(pk__range=meant).order_by("pk") if meant else rows.none()
    rows = list(rows[: MAX_FOUND + 1])
    return FoundOfKind(
        str(capfirst(page.opts.verbose_name_plural)),
        [_shown(page, row) for row in rows[:MAX_FOUND]],
        list_of(page.model, q=text) if len(rows) > MAX_FOUND else None,
    )


def _ranked(rows: QuerySet[Any], text: str, meant: tuple[UUID, UUID] | None) -> QuerySet[Any]:
    """The row with the id first, then the rows that match best by their own names.

    The best are called by all of the words, or by the last of them: of `acme ios app` the first
    may be the customer's name. Then come names that begin so, that have all words, and the rest.
    """
    if not (words := words_of(text)):
        return rows.none()
    ends = [" ".join(words[start:]) for start in range(len(words))]
    rank = Case(
        *([When(pk__range=meant, then=0)] if meant else []),
        When(reduce(or_, [Q(name__iexact=end) for end in ends]), then=1),
        When(reduce(or_, [Q(name__istartswith=end) for end in ends]), then=2),
        When(Q(*(Q(name__icontains=word) for word in words)), then=3),
        default=4,
        output_field=IntegerField(),
    )
    return rows.order_by(rank, *in_use_first(rows.model), "-created_at", "pk")


def _shown(page: Any, row: Any) -> Found:
    project, has_name = project_of(row), page.model in NAMED
    name = f"{project} / {visible(row.name)}" if project and has_name else full_name(row)
    state = page.state(row) if hasattr(page, "state") else with_suspensions(row)
    if isinstance(row, MoveSpec):
        state = format_html("{} {}", state, badge(release_words(row)))
    return Found(name, short_id(row.pk) if has_name else None, state, page_of(row))
