"""The box on every page: finds customers, keys, MoveSpecs and sessions by name or by any id."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Case, IntegerField, Model, Q, Value, When
from django.db.models.functions import Concat, LTrim
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from kynaplatform import clock
from kynaplatform.api.names import visible
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects.models import (
    AccessToken,
    ApiKey,
    Organization,
    Project,
    ServiceAccount,
    SigningKey,
)
from sessions_app.deadlines import apply_deadlines
from sessions_app.models import DetectionSession
from staff.asking import require_known, require_no_secret, require_short
from staff.naming import full_name, project_of, with_customer
from staff.searching import ids_of, means_one_id, searched, words_of
from staff.shown import badge, short_id

MOST_FOUND = 5
OF_A_PROJECT = ("project__organization__name", "project__name", "name")
# What is found, in the order that it is shown in: by the names that make up its whole one, its
# own last; what has none is found by its id alone.
KINDS: dict[type[Model], Sequence[str]] = {
    Organization: ("name",),
    Project: ("organization__name", "name"),
    ApiKey: OF_A_PROJECT,
    ServiceAccount: OF_A_PROJECT,
    MoveSpec: OF_A_PROJECT,
    MoveSpecVersion: (),
    MoveSpecDraft: (),
    DetectionSession: (),
    AccessToken: (),
    SigningKey: (),
}
# Large, and not shown.
LEFT_OUT = {MoveSpecVersion: "yaml_source", MoveSpecDraft: "yaml_source",
            DetectionSession: "engine_state"}  # fmt: skip


class Found(NamedTuple):
    name: str
    short_id: SafeString | None
    state: SafeString | None
    address: str


class FoundOfKind(NamedTuple):
    """The first rows of a kind, and the address of the list of all if there are more."""

    kind: str
    rows: list[Found]
    all: str | None


def asked_by(request: HttpRequest) -> str:
    """The text that is sought. Raises Refused if the address asks for anything else."""
    require_known(request.GET, {"q"})
    text = request.GET.get("q", "").strip()
    require_short(text)
    require_no_secret(text)
    return text


def find(request: HttpRequest, text: str) -> list[FoundOfKind]:
    """What `text` finds, of the kinds that the user may view."""
    pages = {model: admin.site.get_model_admin(model) for model in KINDS}
    return [
        found
        for model, page in pages.items()
        if page.has_view_permission(request) and (found := _found(page, text)).rows
    ]


def _found(page: Any, text: str) -> FoundOfKind:
    opts = page.opts
    rows = list(_rows(opts.model, text))[: MOST_FOUND + 1]
    if opts.model is DetectionSession:
        apply_deadlines(rows, clock.now())
    every = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return FoundOfKind(
        str(capfirst(opts.verbose_name_plural)),
        [_shown(page, row) for row in rows[:MOST_FOUND]],
        f"{every}?{urlencode({'q': text})}" if len(rows) > MOST_FOUND else None,
    )


def _rows(model: type[Model], text: str) -> Iterator[Any]:
    """One more than are shown; each once, first what has the id."""
    known = with_customer(model._default_manager.all())
    if left_out := LEFT_OUT.get(model):
        known = known.defer(left_out)
    seen = set()
    if meant := ids_of(text):
        for row in known.filter(pk__range=meant).order_by("pk")[: MOST_FOUND + 1]:
            seen.add(row.pk)
            yield row
    if (names := KINDS[model]) and words_of(text) and not means_one_id(text):
        ranked = _ranked(searched(known, text, names), names, text)
        for row in ranked[: MOST_FOUND + 1]:
            if row.pk not in seen:
                yield row


def _ranked(rows: Any, names: Sequence[str], text: str) -> Any:
    """First what is called so, then what begins so, what has all words in its own name, the rest.

    It is called by its own name, or by its whole one.
    """
    words = words_of(text)
    asked, own = " ".join(words), names[-1]
    spaced = [part for name in names for part in (Value(" "), name)]
    has_words = Q(*(Q(**{f"{own}__icontains": word}) for word in words))
    rank = Case(
        When(Q(**{f"{own}__iexact": asked}) | Q(whole_name__iexact=asked), then=0),
        When(Q(**{f"{own}__istartswith": asked}) | Q(whole_name__istartswith=asked), then=1),
        When(has_words, then=2),
        default=3,
        output_field=IntegerField(),
    )
    named = rows.alias(whole_name=LTrim(Concat(*spaced)))
    return named.alias(rank=rank).order_by("rank", "-created_at", "pk")


def _shown(page: Any, row: Any) -> Found:
    opts = page.opts
    project, has_name = project_of(row), bool(KINDS[opts.model])
    name = f"{project} / {visible(row.name)}" if project and has_name else full_name(row)
    state = page.state(row) if hasattr(page, "state") else None
    if opts.model is DetectionSession:
        state = badge(row.terminal_outcome or row.status)
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return Found(name, short_id(row.pk) if has_name else None, state, address)
