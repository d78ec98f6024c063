"""Organizations and projects: what they own, their limits, suspending and resuming them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from projects import suspension
from projects.models import Organization, Project
from staff.lists import BoundedAdmin


class SuspensionFilter(admin.SimpleListFilter):
    title = "suspended"
    parameter_name = "suspended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "no")


class SuspendableAdmin(BoundedAdmin):
    """Suspended and resumed by actions; never deleted."""

    actions = ["suspend", "resume"]

    @admin.action(
        description="Suspend: refuse requests, cancel live sessions", permissions=["change"]
    )
    def suspend(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        now = timezone.now()
        for row in queryset:
            suspension.suspend(row, now=now)
            self.log_change(request, row, "Suspended.")
        self.message_user(request, f"Suspended {len(queryset)}.", messages.SUCCESS)

    @admin.action(description="Resume: let requests in again", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            suspension.resume(row)
            self.log_change(request, row, "Resumed.")
        self.message_user(request, f"Resumed {len(queryset)}.", messages.SUCCESS)


@admin.register(Organization)
class OrganizationAdmin(SuspendableAdmin):
    list_display = ["name", "id", "suspended_at", "rate_limit", "project_count", "created_at"]
    list_filter = [SuspensionFilter, "created_at"]
    search_fields = ["name", "=id"]
    readonly_fields = ["id", "suspended_at", "created_at"]
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = super().get_queryset(request)
        return organizations.annotate(project_count=Count("projects"))

    @admin.display(ordering="project_count", description="projects")
    def project_count(self, organization: Any) -> int:
        return int(organization.project_count)


@admin.register(Project)
class ProjectAdmin(SuspendableAdmin):
    list_display = ["name", "id", "organization", "suspended_at", "created_at"]
    list_filter = [SuspensionFilter, "created_at"]
    list_select_related = ["organization"]
    search_fields = ["name", "=id", "organization__name"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["id", "suspended_at", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # What runs under a project carries its organization in signed tokens.
        return [*self.readonly_fields, "organization"] if obj else list(self.readonly_fields)
