"""Bases of admin pages. What the database or the lifecycle owns is read-only here as well."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import cached_property


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Counts exactly up to `MOST_COUNTED` rows, and estimates beyond: a count reads them all."""

    MOST_COUNTED = 10_000

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        counted = rows.order_by()[: self.MOST_COUNTED + 1].count()
        if counted <= self.MOST_COUNTED:
            return counted
        table = rows.model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = %s", [table])
            (estimate,) = cursor.fetchone()
        return max(int(estimate), counted)


class BoundedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose queries stay bounded whatever the number of rows."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    # Several filters are expensive to count, and a count says little at this size.
    show_facets = admin.ShowFacets.NEVER

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(BoundedAdmin):
    """Staff look; nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def count_of(model: type[Model], relation: str, **conditions: Any) -> Coalesce:
    """How many rows of the reverse `relation` a row owns, counted in the list's own statement."""
    field: Any = model._meta.get_field(relation).remote_field
    owned = field.model._base_manager.filter(**{field.name: OuterRef("pk")}, **conditions)
    counted = owned.order_by().values(field.name).annotate(counted=Count("pk")).values("counted")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
