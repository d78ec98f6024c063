"""Rows of one name, told apart: what is in use comes first, what is over last, and beside each name
stand its state and the first digits of its id."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import connection, transaction
from django.db.models import (
    Case,
    F,
    Model,
    OuterRef,
    Subquery,
    Value,
    When,
)

from kynaplatform import clock
from kynaplatform.api.names import visible
from movespecs.models import MoveSpec
from projects.credentials import is_live
from projects.models import Credential
from staff.display import first_digits
from staff.full_names import full_name, project_of

RELEASED = "current_released_version"
_USED = """
SELECT id FROM unnest(%s::uuid[]) AS version (id) WHERE EXISTS (
    SELECT FROM detection_session WHERE resolved_version_id = version.id AND deadline_at IS NULL
)
"""


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


def used_first(movespecs: Iterable[Any]) -> list[Any]:
    """Rows of a rank, a MoveSpec's released version before others once sessions have run it."""
    rows = list(movespecs)
    used = used_versions([row.current_released_version_id for row in rows])
    return sorted(
        rows,
        key=lambda row: (row.rank, row.archived_at is not None, _unreleased(row, used)),
    )


def _unreleased(row: Any, used: set[UUID]) -> int:
    version = row.current_released_version_id
    return 2 if version is None else int(version not in used)


def used_versions(ids: Sequence[UUID | None]) -> set[UUID]:
    """Those of the versions that a session has run to its end, by one probe of an index for each.

    Where one version has most sessions, a plan would read the table for any other.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_seqscan', 'off', TRUE)")
        cursor.execute(_USED, [[one for one in ids if one is not None]])
        return {row[0] for row in cursor.fetchall()}


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
