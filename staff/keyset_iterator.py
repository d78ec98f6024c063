"""Every row of a list in its order, by short statements that each begin where the last one ended.

A cursor of the database's would keep a transaction for as long as a download takes, so that nothing
is vacuumed meanwhile, and a pooler that hands connections on loses it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import OrderBy

ROWS_AT_ONCE = 2_000
NOTHING = Q(pk__in=[])


class Key(NamedTuple):
    """One of the values that rows are ordered by, annotated under a name of its own."""

    name: str
    term: OrderBy

    def is_as(self, row: Any) -> Q:
        value = getattr(row, self.name)
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def is_beyond(self, row: Any) -> Q:
        value = getattr(row, self.name)
        if value is None:
            return NOTHING if self._has_nulls_last else Q(**{f"{self.name}__isnull": False})
        way = "lt" if self.term.descending else "gt"
        beyond = Q(**{f"{self.name}__{way}": value})
        return beyond | Q(**{f"{self.name}__isnull": True}) if self._has_nulls_last else beyond

    @property
    def _has_nulls_last(self) -> bool:
        if self.term.nulls_first or self.term.nulls_last:
            return bool(self.term.nulls_last)
        return not self.term.descending


def every_row(rows: QuerySet[Any]) -> Iterator[Any]:
    """Those of `rows`, whose order ends with its primary key."""
    terms = [one for given in rows.query.order_by for one in _terms(rows.model, given)]
    keys = [Key(f"key_{number}", term) for number, term in enumerate(terms)]
    named = rows.annotate(**{key.name: key.term.expression for key in keys})
    following = named.order_by(*terms)
    while page := list(following[:ROWS_AT_ONCE]):
        yield from page
        if len(page) < ROWS_AT_ONCE:
            return
        following = named.filter(_after(keys, page[-1])).order_by(*terms)


def _after(keys: list[Key], row: Any) -> Q:
    after = NOTHING
    for key in reversed(keys):
        after = key.is_beyond(row) | (key.is_as(row) & after)
    first = keys[0]
    value = getattr(row, first.name)
    if first.term.descending and value is not None:
        # An index begins there; with what says the same by alternatives it would not.
        after &= Q(**{f"{first.name}__lte": value})
    return after


def _terms(
    model: type[Model], given: Any, path: str = "", is_turned: bool = False
) -> Iterator[OrderBy]:
    """A term as Django understands it: a relation is ordered as its model is."""
    if not isinstance(given, str):
        yield given if isinstance(given, OrderBy) else OrderBy(given)
        return
    name, is_descending = given.removeprefix("-"), given.startswith("-") != is_turned
    related = _related(model, name)
    if related is not None and related._meta.ordering:
        for one in related._meta.ordering:
            yield from _terms(related, one, f"{path}{name}{LOOKUP_SEP}", is_descending)
        return
    yield OrderBy(F(f"{path}{name}"), descending=is_descending)


def _related(model: type[Model], name: str) -> type[Model] | None:
    field: Any = None
    for step in name.split(LOOKUP_SEP):
        try:
            field = model._meta.get_field(step)
        except FieldDoesNotExist:  # the key, or an annotation
            return None
        model = field.related_model or model
    return model if field.is_relation and field.attname != step else None
