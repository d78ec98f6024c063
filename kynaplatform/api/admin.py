"""Bases of admin pages. What the database or the lifecycle owns is read-only here as well."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet
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


class ReadOnlyAdmin(BoundedAdmin):
    """Staff look; nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
