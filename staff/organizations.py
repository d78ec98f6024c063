"""The pages of organizations and projects."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db.models import PositiveIntegerField, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from erasure.owners import erasure_of
from kynaplatform import clock
from projects.models import Organization, Project
from staff.actions.base import StaffActionAdmin
from staff.actions.credentials import ISSUE
from staff.actions.erasure import Erase
from staff.actions.onboarding import PERMISSIONS, onboard_view
from staff.actions.organizations import Resume, Suspend
from staff.actions.retention import MAY_ERASE, SetRetention
from staff.as_shown import AsShownAdmin, changes_of
from staff.base import OwnerFilter, OwnerSelect
from staff.customer_page import (
    OWNED_BY_ORGANIZATION,
    OWNED_BY_PROJECT,
    OwnedCount,
    count_of,
    customer_page,
    state_of_owner,
    with_counts,
)
from staff.display import moment, moment_of
from staff.links import link_to, may_view, sessions_of
from staff.query_parameters import StrictFilter


class SuspensionFilter(StrictFilter):
    title = "suspended"
    parameter_name = "suspended"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        is_active = Q(suspended_at__isnull=True)
        return {"yes": ("Yes", ~is_active), "no": ("No", is_active)}


@cache
def limit_in_force(field: str, default: str) -> Callable[..., str]:
    """The limit that holds, as a field of a page; `default` names the setting."""
    unit = " a minute" if field.startswith("rate_limit") else ""

    @admin.display(description="in force")
    def shown(row: Organization | Project) -> str:
        override, usual = getattr(row, field), getattr(settings, default)
        if override is None:
            return "none, the default" if usual is None else f"{usual}{unit}, the default"
        return f"{override}{unit}, overriding the default of {'none' if usual is None else usual}"

    return shown


def count_column(owned: OwnedCount) -> Callable[..., SafeString]:
    @admin.display(description=owned.label)
    def shown(row: Organization | Project) -> SafeString:
        return owned.link(row)

    return shown


class SuspendableAdmin(AsShownAdmin, StaffActionAdmin):
    """The page of an owner, which is suspended and resumed, and never deleted.

    `given` are the fields that staff write, `limits` the setting that each limit overrides, and
    `owned` the counts of what a row owns, each for who may view what is counted.
    """

    change_form_template = "admin/projects/customer.html"
    staff_actions = [Suspend(), Resume(), Erase()]
    formfield_overrides = {
        PositiveIntegerField: {"min_value": 1, "widget": AdminIntegerFieldWidget},
    }
    given: ClassVar[list[str]]
    limits: ClassVar[dict[str, str]]
    owned: ClassVar[list[OwnedCount]]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        counts = map(count_column, self.owned_seen_by(request))
        return [*self.list_display, *counts, moment_of("created_at")]

    @admin.display(description="state", ordering="suspended_at")
    def state(self, row: Organization | Project) -> SafeString:
        return state_of_owner(row)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        title = "Name" if obj else None
        limits = [(field, limit_in_force(field, self.limits[field])) for field in self.limits]
        return [(title, {"fields": self.given}), ("Limits", {"fields": limits})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [limit_in_force(*limit) for limit in self.limits.items()]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            **customer_page(request.user, row, now=clock.now()),
            "facts": self.facts(request, row),
        }

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        counts = self.owned_seen_by(request)
        erasure = erasure_of(row)
        return [
            ("State", self.state(row)),
            *([("Being erased", link_to(erasure, "how far it is"))] if erasure else []),
            *((str(capfirst(one.label)), one.link(row)) for one in counts),
            ("Made", moment(row.created_at, clock.now())),
            ("Id", row.pk),
        ]

    def leads_to(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        own = "organization" if isinstance(row, Organization) else "project__id__exact"
        return sessions_of(request.user, **{own: row.pk})

    def owned_seen_by(self, request: HttpRequest) -> list[OwnedCount]:
        return [one for one in self.owned if may_view(request.user, one.model)]

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        if add or not form.changed_data:
            return super().construct_change_message(request, form, formsets, add)
        return f"Changed {changes_of(form)}."


@admin.register(Organization)
class OrganizationAdmin(SuspendableAdmin):
    list_display = ["shown_name", "state"]
    list_filter = [SuspensionFilter, "created_at"]
    search_fields = ["name", "=id"]
    staff_actions = [SetRetention(), *SuspendableAdmin.staff_actions]
    change_list_template = "admin/projects/organizations.html"
    given = ["name"]
    limits = {"rate_limit": "RATE_LIMIT_ORGANIZATION", "retention_days": "RETENTION_DAYS"}
    owned = OWNED_BY_ORGANIZATION

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        read = super().get_readonly_fields(request, obj)
        # Fewer days delete sessions, so its own page asks first.
        is_read = obj or not request.user.has_perm(MAY_ERASE)
        return [*read, "retention_days"] if is_read else read

    def get_urls(self) -> list[URLPattern]:
        onboard = self.admin_site.admin_view(partial(onboard_view, self))
        own = path("onboard/", onboard, name="projects_organization_onboard")
        return [own, *super().get_urls()]

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        may_onboard = request.user.has_perms(PERMISSIONS)
        return {**super().list_context(request), "may_onboard": may_onboard}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = super().get_queryset(request)
        return organizations.annotate(
            project_count=count_of(Organization, "projects"),
            live_session_count=count_of(
                Organization, "projects__sessions", deadline_at__isnull=False
            ),
        )


@admin.register(Project)
class ProjectAdmin(SuspendableAdmin):
    list_display = ["shown_name", "state"]
    list_filter = [SuspensionFilter, ("organization", OwnerFilter), "created_at"]
    search_fields = ["name", "=id", "organization__name", "=organization__id"]
    staff_actions = [*ISSUE.values(), *SuspendableAdmin.staff_actions]
    given = ["name", "organization"]
    limits = {
        "rate_limit": "RATE_LIMIT_PROJECT",
        "rate_limit_sessions": "RATE_LIMIT_SESSIONS",
        "rate_limit_movespecs": "RATE_LIMIT_MOVESPECS",
        "movespec_limit": "MOVESPECS_PER_PROJECT",
        "version_limit": "VERSIONS_PER_MOVESPEC",
        "session_seconds": "SESSION_MAX_SECONDS",
        "session_events": "SESSION_MAX_EVENTS",
    }
    owned = OWNED_BY_PROJECT

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        owner = row.organization
        if may_view(request.user, Organization):
            owner = link_to(owner, owner)
        return [("Customer", owner), *super().facts(request, row)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return with_counts(super().get_queryset(request), clock.now())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        read = super().get_readonly_fields(request, obj)
        # What runs under a project carries its organization in signed tokens.
        return [*read, "organization"] if obj else read

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = OwnerSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
