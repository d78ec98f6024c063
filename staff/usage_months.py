"""The page of usage: what each customer has used in each month of UTC."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from projects.models import Organization
from staff.base import ReadOnlyAdmin
from staff.display import link, list_of, short_id, value_of
from staff.lists import StrictFilter
from staff.search import searched
from staff.session_list import LinkedFilter
from usage.models import UsageMonth

MONTHS_OFFERED = 36
NUMBERS = ("sessions", "accepted_frames", "live_frames")


class MonthFilter(StrictFilter):
    title = "month"
    parameter_name = "month"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        first = now.date().replace(day=1)
        offered = {}
        for _ in range(MONTHS_OFFERED):
            offered[f"{first:%Y-%m}"] = (f"{first:%B %Y}", Q(month=first))
            first = (first - timedelta(days=1)).replace(day=1)
        return offered


class CustomerFilter(LinkedFilter):
    title = "organization"
    parameter_name = "organization_id__exact"
    model = Organization

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if not self.value():
            return queryset
        try:
            return queryset.filter(organization_id=UUID(self.value()))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


@admin.register(UsageMonth)
class UsageMonthAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = [
        "shown_month",
        "customer",
        *(value_of(field, field.replace("_", " "), "{:,}".format) for field in NUMBERS),
        "active_hours",
    ]
    list_display_links = None
    only_in_csv = ["organization_id", "active_ms"]
    list_filter = [MonthFilter, CustomerFilter]
    ordering = ["-month", "-accepted_frames", "organization_id"]
    # Django shows its search box for these; `search` searches the organizations.
    search_fields = ["name", "=id"]
    search_help_text = "By the name of a customer, or its id. The months are of UTC."
    fields = ["shown_month", "customer", "organization_id", *NUMBERS, "active_hours"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageMonth]:
        named = Organization.objects.filter(pk=OuterRef("organization_id")).values("name")
        rows: QuerySet[UsageMonth] = super().get_queryset(request)
        return rows.annotate(customer_name=Subquery(named))

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        found = searched(Organization.objects.all(), text, self.search_fields)
        return rows.filter(organization_id__in=found.order_by().values("id"))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "subtitle": customer_of(row)}

    @admin.display(description="month", ordering="month")
    def shown_month(self, row: UsageMonth) -> str:
        return f"{row.month:%B %Y}"

    shown_month.plain = lambda row: f"{row.month:%Y-%m}"  # type: ignore[attr-defined]

    @admin.display(description="customer")
    def customer(self, row: UsageMonth) -> str | SafeString:
        """The name, or the id of an erased customer, with a link to all months of the customer."""
        return link(
            list_of(UsageMonth, organization_id__exact=row.organization_id), customer_of(row)
        )

    customer.plain = lambda row: row.customer_name  # type: ignore[attr-defined]

    @admin.display(description="active hours", ordering="active_ms")
    def active_hours(self, row: UsageMonth) -> str:
        return f"{row.active_ms / 3_600_000:,.1f}"

    active_hours.plain = lambda row: round(row.active_ms / 3_600_000, 2)  # type: ignore[attr-defined]


def customer_of(row: Any) -> str | SafeString:
    return row.customer_name or format_html("erased, {}", short_id(row.organization_id))
