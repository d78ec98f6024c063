"""The search box of every page: customers, keys, MoveSpecs and sessions, by name or id."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Case, IntegerField, Model, Q, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from kynaplatform.api.names import visible
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    Organization,
    Project,
    ServiceAccount,
    SigningKey,
)
from sessions_app.models import DetectionSession
from sessions_app.stream_state import STATE_COLUMNS
from staff.display import badge, short_id
from staff.full_names import full_name, project_of, with_customer
from staff.links import list_of, page_of
from staff.namesakes import in_use_first, release_words, used_first, with_release, with_successor
from staff.query_parameters import require_known, require_no_secret, require_short
from staff.search_terms import ids_of, means_one_id, searched, words_of
from staff.session_search import labelled
from staff.suspensions import with_suspensions
from staff.version_table import with_releases
from staff.webhook_display import LARGE, SECRETS
from webhooks.models import WebhookDelivery, WebhookEndpoint

MAX_FOUND = 5
# Of MoveSpecs that match alike, so many are looked at for whether sessions have run them.
MAX_COMPARED = 50
OF_A_PROJECT = ("name", "project__name", "project__organization__name")
# The models that are searched, in the order of the results, and the fields that name their rows.
# A model without such fields is found by its id alone.
KINDS: dict[type[Model], Sequence[str]] = {
    Organization: ("name",),
    Project: ("name", "organization__name"),
    ApiKey: OF_A_PROJECT,
    ServiceAccount: OF_A_PROJECT,
    MoveSpec: OF_A_PROJECT,
    MoveSpecVersion: (),
    MoveSpecDraft: (),
    DetectionSession: (),
    WebhookEndpoint: (),
    WebhookDelivery: (),
    AccessToken: (),
    SigningKey: (),
}
# By the names of these the list of sessions is searched, and by more. The box only leads there.
NAME_SESSIONS = (Organization, Project, MoveSpec)
# The large columns, which results do not show.
LEFT_OUT = {MoveSpecVersion: ["yaml_source"], MoveSpecDraft: ["yaml_source"],
            DetectionSession: STATE_COLUMNS, WebhookEndpoint: SECRETS,
            WebhookDelivery: LARGE}  # fmt: skip


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
    pages = {model: admin.site.get_model_admin(model) for model in KINDS}
    found = {
        model: _found(page, text)
        for model, page in pages.items()
        if page.has_view_permission(request)
    }
    if (sessions := found.get(DetectionSession)) and not sessions.rows:
        named = any(found[one].rows for one in NAME_SESSIONS if one in found)
        is_label = not means_one_id(text) and bool(words_of(text)) and bool(labelled(text))
        of_name = list_of(DetectionSession, q=text) if named or is_label else None
        found[DetectionSession] = sessions._replace(all=of_name)
    return [one for one in found.values() if one.rows or one.all]


def _found(page: Any, text: str) -> FoundOfKind:
    opts = page.opts
    rows = list(_rows(opts.model, text))[: MAX_FOUND + 1]
    return FoundOfKind(
        str(capfirst(opts.verbose_name_plural)),
        [_shown(page, row) for row in rows[:MAX_FOUND]],
        list_of(opts.model, q=text) if len(rows) > MAX_FOUND else None,
    )


def _rows(model: type[Model], text: str) -> Iterator[Any]:
    """The rows that match, each once, the one with the id first: one more than are shown."""
    known = with_customer(model._default_manager.all())
    if model is MoveSpec:
        known = with_release(known)
    if issubclass(model, Credential):
        known = with_successor(known)
    if model is MoveSpecVersion:
        known = with_releases(known)
    if left_out := LEFT_OUT.get(model):
        known = known.defer(*left_out)
    seen = set()
    if meant := ids_of(text):
        for row in known.filter(pk__range=meant).order_by("pk")[: MAX_FOUND + 1]:
            seen.add(row.pk)
            yield row
    if KINDS[model] and not means_one_id(text) and words_of(text):
        for row in _first(known, text):
            if row.pk not in seen:
                yield row


def _first(rows: Any, text: str) -> Any:
    """The rows that match best by their own names: one more than are shown.

    The best are called by all of the words, or by the last of them: of `acme ios app` the first
    may be the customer's name. Then come names that begin so, that have all words, and the rest.
    """
    words = words_of(text)
    ends = [" ".join(words[start:]) for start in range(len(words))]
    is_called = reduce(or_, [Q(name__iexact=end) for end in ends])
    begins = reduce(or_, [Q(name__istartswith=end) for end in ends])
    has_all = Q(*(Q(name__icontains=word) for word in words))
    rank = Case(
        When(is_called, then=0), When(begins, then=1), When(has_all, then=2), default=3,
        output_field=IntegerField(),
    )  # fmt: skip

    def ranked(some: Any) -> Any:
        order = in_use_first(rows.model)
        return some.annotate(rank=rank).order_by("rank", *order, "-created_at", "pk")

    # Many may match: these alone are read whole.
    found = searched(rows.model._default_manager.all(), text, KINDS[rows.model])
    most = MAX_COMPARED if rows.model is MoveSpec else MAX_FOUND + 1
    best = ranked(rows.filter(pk__in=ranked(found).values("pk")[:most]))
    return used_first(best)[: MAX_FOUND + 1] if rows.model is MoveSpec else best


def _shown(page: Any, row: Any) -> Found:
    project, has_name = project_of(row), bool(KINDS[page.model])
    name = f"{project} / {visible(row.name)}" if project and has_name else full_name(row)
    state = page.state(row) if hasattr(page, "state") else with_suspensions(row)
    if isinstance(row, MoveSpec):
        state = format_html("{} {}", state, badge(release_words(row)))
    return Found(name, short_id(row.pk) if has_name else None, state, page_of(row))
