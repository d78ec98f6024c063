"""What a search asks for: words of names, or an id, whole or as short as lists show it."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import get_fields_from_path
from django.db.models import Model, Q, QuerySet, UUIDField
from django.utils.text import smart_split, unescape_string_literal

# An id has 32 digits: one from fewer than these would be no more than a guess.
LEAST_DIGITS = 8
DIGITS = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},32}}")
WHOLE_ID = re.compile(r"(?<!\w)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)")
# As in `Organization / Project`, which is copied from our own pages.
BETWEEN_NAMES = "/"


def words_of(text: str) -> list[str]:
    """The words that have all to be found; what is in quotes is one."""
    words = [word for word in smart_split(text) if word != BETWEEN_NAMES]
    return [
        unescape_string_literal(word) if word[0] in "\"'" and word[0] == word[-1] else word
        for word in words
    ]


def ids_of(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that `text` may mean: all that begin with it, or the one in it."""
    if whole := WHOLE_ID.search(text.lower()):
        return (UUID(whole[0]),) * 2
    digits = text.strip().lower().replace("-", "")
    if not DIGITS.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def means_one_id(text: str) -> bool:
    first, last = ids_of(text) or (None, "another")
    return first == last


def matching(model: type[Model], text: str, fields: Sequence[str]) -> Q:
    """Has an id that `text` may mean, or each of its words in one of `fields`.

    Fields are as Django's `search_fields`: `=path` is compared as a whole. One that is an id is
    compared with ids alone, by its index.
    """
    asked = {path: f"{path}__icontains" for path in fields if not path.startswith("=")}
    asked |= {path[1:]: f"{path[1:]}__iexact" for path in fields if path.startswith("=")}
    ids = [path for path in asked if _is_id(model, path)]
    lookups = [asked[path] for path in asked if path not in ids]
    ways = []
    if meant := ids_of(text):
        ways += [Q(**{f"{path}__range": meant}) for path in ids]
    if lookups and not means_one_id(text):
        words = [
            reduce(or_, [Q(**{lookup: word}) for lookup in lookups]) for word in words_of(text)
        ]
        ways += [reduce(and_, words)] if words else []
    return reduce(or_, ways, Q()) or Q(pk__in=[])


def searched(rows: QuerySet[Any], text: str, fields: Sequence[str]) -> QuerySet[Any]:
    """Those of `rows` that `text` asks for: all, if it is empty."""
    return rows.filter(matching(rows.model, text, fields)) if text.strip() else rows


def _is_id(model: type[Model], path: str) -> bool:
    return isinstance(get_fields_from_path(model, path)[-1], UUIDField)
