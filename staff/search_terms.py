"""The terms of a search: words of names, or an id, whole or as short as lists show it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import get_fields_from_path
from django.db.models import Model, Q, QuerySet, UUIDField
from django.db.models.constants import LOOKUP_SEP
from django.utils.text import smart_split, unescape_string_literal

from staff.lists import Refused

# Fewer of the 32 digits of an id would be no more than a guess.
MIN_DIGITS = 8
DIGITS = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},32}}")
WHOLE_ID = re.compile(r"(?<!\w)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)")
# Each word may read a whole table.
MAX_WORDS = 10
# As in `Organization / Project`, which is copied from our own pages.
BETWEEN_NAMES = "/"


def words_of(text: str) -> list[str]:
    """The words of `text`; a phrase in quotes is one. Raises Refused if they are many."""
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


def matching(model: type[Model], text: str, fields: Sequence[str]) -> Q:
    """The condition that a row has an id of `ids_of`, or each word of `text` in one of `fields`.

    Fields are as Django's `search_fields`: `=path` is compared as a whole. A field that is an id is
    compared with ids alone, by its index.
    """
    paths = {path.removeprefix("="): path for path in fields}
    ids = [path for path in paths if _is_id(model, path)]
    names = {
        path: "icontains" if path == field else "iexact"
        for path, field in paths.items()
        if path not in ids
    }
    ways = []
    if meant := ids_of(text):
        ways.append(_any_is(model, dict.fromkeys(ids, "range"), meant))
    if names and not means_one_id(text):
        words = [_any_is(model, names, word) for word in words_of(text)]
        ways += [reduce(and_, words)] if words else []
    return reduce(or_, ways, Q()) or Q(pk__in=[])


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
    for relation, beyond_it in of_owners.items():
        owner: Any = model._meta.get_field(relation).related_model
        owners = owner._base_manager.filter(_any_is(owner, beyond_it, value))
        own |= Q(**{f"{relation}__in": owners.order_by()})
    return own


def searched(rows: QuerySet[Any], text: str, fields: Sequence[str]) -> QuerySet[Any]:
    """The rows that match `text`; all of them if it is empty."""
    return rows.filter(matching(rows.model, text, fields)) if text.strip() else rows


def _is_id(model: type[Model], path: str) -> bool:
    return isinstance(get_fields_from_path(model, path)[-1], UUIDField)
