"""Search: the terms of every search box, what they find in the list of sessions, and the box that
searches customers, keys, MoveSpecs and sessions together.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import (
    Case,
    Exists,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    UUIDField,
    When,
)
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst, smart_split, unescape_string_literal

from common.names import visible
from movespecs.catalogue import CATALOGUE_PROJECT
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects.models import AccessToken, ApiKey, Organization, Project, ServiceAccount, SigningKey
from sessions_app.context import fault_of_subject
from sessions_app.listing import AnyOf, ids_with_note
from sessions_app.models import DetectionSession
from staff.display import (
    WHOLE_ID,
    badge,
    full_name,
    in_use_first,
    list_of,
    page_of,
    project_of,
    release_words,
    short_id,
)
from staff.lists import Refused
from staff.states import with_suspensions
from webhooks.models import WebhookDelivery, WebhookEndpoint

# Fewer of the 32 digits of an id would be no more than a guess.
MIN_DIGITS = 8
DIGITS = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},32}}")
# Each word may read a whole table.
MAX_WORDS = 10
# As in `Organization / Project`, which people copy from our own pages.
BETWEEN_NAMES = "/"


def words_of(text: str) -> list[str]:
    """The words of `text`; a phrase in quotes is one. Raises Refused if they are too many."""
    words = [word for word in smart_split(text) if word != BETWEEN_NAMES]
    if len(words) > MAX_WORDS:
        raise Refused(f"A search has at most {MAX_WORDS} words, or one id among them.")
    return [
        unescape_string_literal(word) if word[0] in "\"'" and word[0] == word[-1] else word
        for word in words
    ]


def ids_of(text: str) -> tuple[UUID, UUID] | None:
    """The first and last of the ids that begin with `text`, or the whole id in it, twice."""
    if whole := WHOLE_ID.search(text.lower()):
        return (UUID(whole[0]),) * 2
    digits = text.strip().removesuffix("…").lower().replace("-", "")
    if not DIGITS.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def means_one_id(text: str) -> bool:
    first, last = ids_of(text) or (None, "another")
    return first == last


def searched(rows: QuerySet[Any], text: str, fields: Sequence[str]) -> QuerySet[Any]:
    """The rows with an id of `ids_of`, or with each word of `text` in one of `fields`.

    Fields are as Django's `search_fields`: `=path` is compared as a whole. A field that is an id is
    compared only with ids, by its index.
    """
    paths = {path.removeprefix("="): path for path in fields}
    ids = [
        path for path in paths if isinstance(get_fields_from_path(rows.model, path)[-1], UUIDField)
    ]
    names = {
        path: "icontains" if path == field else "iexact"
        for path, field in paths.items()
        if path not in ids
    }
    ways = []
    if meant := ids_of(text):
        ways.append(_any_is(rows.model, dict.fromkeys(ids, "range"), meant))
    if names and not means_one_id(text):
        words = [_any_is(rows.model, names, word) for word in words_of(text)]
        ways += [reduce(and_, words)] if words else []
    return rows.filter(reduce(or_, ways, Q()) or Q(pk__in=[]))


def _any_is(model: type[Model], lookups: Mapping[str, str], value: object) -> Q:
    """The condition that one of the fields matches `value` by its lookup.

    The fields of an owner are compared once for each owner, not for every row that it has.
    """
    own = Q()
    of_owners: dict[str, dict[str, str]] = defaultdict(dict)
    for path, lookup in lookups.items():
        relation, _, beyond = path.partition(LOOKUP_SEP)
        if beyond and beyond != "id":
            of_owners[relation][beyond] = lookup
        else:
            own |= Q(**{f"{path}{LOOKUP_SEP}{lookup}": value})
    for relation, fields in of_owners.items():
        owner: Any = model._meta.get_field(relation).related_model
        owners = owner._base_manager.filter(_any_is(owner, fields, value))
        own |= Q(**{f"{relation}__in": owners.order_by()})
    return own


# Only the newest rows that a name finds are searched: a page of sessions reads an index for each.
MAX_OWNERS = 100
SESSIONS_HELP = (
    "By the name of a customer, a project or a MoveSpec, of each the newest "
    f"{MAX_OWNERS}; or by the id of a session, a project, a MoveSpec or one of its versions. "
    "Other text must match a subject or a metadata value exactly. Use subject:p_1 or "
    "metadata:north to search only these."
)
SUBJECT, METADATA = "subject:", "metadata:"
# The filters whose values are the customer's own.
LABELS = frozenset({"subject", "note"})
OF_PROJECT = ["name", "=id", "organization__name", "=organization__id"]
OF_MOVESPEC = ["name", "=id", "project__name", "project__organization__name"]


def session_filters(text: str) -> dict[str, Any]:
    """The fields of `SessionFilters` that `text` means; empty if it finds nothing.

    An id is a version's, a project's, or the first digits of a session's. Raises Refused if the
    words are too many.
    """
    if text.startswith((SUBJECT, METADATA)):
        return label_filters(text)
    if meant := ids_of(text):
        if means_one_id(text) and (owned := _filters_of_id(meant[0])):
            return owned
        if DetectionSession.objects.filter(id__range=meant).exists():
            return {"ids": meant}
    any_of = AnyOf(newest_ids(searched(Project.objects.all(), text, OF_PROJECT)), _versions(text))
    return {"any_of": any_of} if any(any_of) else label_filters(text)


def label_filters(text: str) -> dict[str, Any]:
    """The fields for a subject, else for a note.

    In several projects a subject is several people. The newest projects count.
    """
    subject = "" if text.startswith(METADATA) else text.removeprefix(SUBJECT).strip()
    note = "" if text.startswith(SUBJECT) else text.removeprefix(METADATA).strip()
    if not fault_of_subject(subject):
        theirs = DetectionSession.objects.filter(subject=subject, project_id=OuterRef("pk"))
        if ids := newest_ids(Project.objects.filter(Exists(theirs))):
            return {"subject": subject, "any_of": AnyOf(ids, [])}
    return {"note": note} if note and ids_with_note(note) != [] else {}


def _filters_of_id(row_id: Any) -> dict[str, Any]:
    versions = MoveSpecVersion.objects.filter(id=row_id)
    if project_id := versions.values_list("movespec__project_id", flat=True).first():
        own = {} if project_id == CATALOGUE_PROJECT else {"project_id": project_id}
        return {"version_id": row_id, **own}
    return {"project_id": row_id} if Project.objects.filter(id=row_id).exists() else {}


def _versions(text: str) -> list[Any]:
    """The versions of the MoveSpecs that `text` names, and not only their owners."""
    called = searched(MoveSpec.objects.all(), text, OF_MOVESPEC)
    if ids_of(text) is None:
        called = called.filter(reduce(or_, (Q(name__icontains=one) for one in words_of(text)), Q()))
    return newest_ids(MoveSpecVersion.objects.filter(movespec__in=newest_ids(called)))


def newest_ids(rows: QuerySet[Any], most: int = MAX_OWNERS) -> list[Any]:
    return list(rows.order_by("-created_at").values_list("pk", flat=True)[:most])


MAX_FOUND = 5
# The models that the box searches, in the order of the results: by names, as their lists are, or
# by id alone.
NAMED: tuple[type[Model], ...] = (Organization, Project, ApiKey, ServiceAccount, MoveSpec)
BY_ID: tuple[type[Model], ...] = (
    MoveSpecVersion, MoveSpecDraft, DetectionSession, WebhookEndpoint, WebhookDelivery,
    AccessToken, SigningKey,
)  # fmt: skip
# The list of sessions is searched by the names of these, and by more. The box only leads there.
NAME_SESSIONS = (Organization, Project, MoveSpec)


def find(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """Of each kind the first rows, and the address of the list of `all` if there are more."""
    pages = {model: admin.site.get_model_admin(model) for model in NAMED + BY_ID}
    found = {
        model: _found(page, request, text)
        for model, page in pages.items()
        if page.has_view_permission(request)
    }
    if (sessions := found.get(DetectionSession)) and not sessions["rows"]:
        named = any(found[one]["rows"] for one in NAME_SESSIONS if one in found)
        is_label = not means_one_id(text) and bool(words_of(text)) and bool(label_filters(text))
        sessions["all"] = list_of(DetectionSession, q=text) if named or is_label else None
    return [one for one in found.values() if one["rows"] or one["all"]]


def _found(page: Any, request: HttpRequest, text: str) -> dict[str, Any]:
    rows, meant = page.get_queryset(request), ids_of(text)
    if page.model in NAMED and not means_one_id(text):
        # A short id finds its own rows, and not what its owner has.
        fields = [path for path in page.search_fields if path == "=id" or path[0] != "="]
        rows = _ranked(searched(rows, text, fields), text, meant)
    else:
        rows = rows.filter(pk__range=meant).order_by("pk") if meant else rows.none()
    rows = list(rows[: MAX_FOUND + 1])
    return {
        "kind": capfirst(page.opts.verbose_name_plural),
        "rows": [_row(page, row) for row in rows[:MAX_FOUND]],
        "all": list_of(page.model, q=text) if len(rows) > MAX_FOUND else None,
    }


def _ranked(rows: QuerySet[Any], text: str, meant: tuple[UUID, UUID] | None) -> QuerySet[Any]:
    """The row with the id first, then those called so, by all of the words or by the last of them:
    in `acme ios app` the first may be the customer's name.
    """
    if not (words := words_of(text)):
        return rows.none()
    ends = [" ".join(words[start:]) for start in range(len(words))]
    rank = Case(
        *([When(pk__range=meant, then=0)] if meant else []),
        When(reduce(or_, [Q(name__iexact=end) for end in ends]), then=1),
        default=2,
        output_field=IntegerField(),
    )
    return rows.order_by(rank, *in_use_first(rows.model), "-created_at", "pk")


def _row(page: Any, row: Any) -> dict[str, Any]:
    project, has_name = project_of(row), page.model in NAMED
    name = f"{project} / {visible(row.name)}" if project and has_name else full_name(row)
    state = page.state(row) if hasattr(page, "state") else with_suspensions(row)
    if isinstance(row, MoveSpec):
        state = format_html("{} {}", state, badge(release_words(row)))
    return {
        "name": name,
        "short_id": short_id(row.pk) if has_name else "",
        "state": state,
        "address": page_of(row),
    }
