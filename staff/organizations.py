"""Organizations and projects: what they own, their limits, suspending and resuming them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db.models import Model, PositiveIntegerField, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import ApiKey, Organization, Project, ServiceAccount
from sessions_app.deadlines import has_not_ended
from sessions_app.listing import LIVE
from sessions_app.models import DetectionSession
from staff.actions.base import StaffActionAdmin
from staff.actions.credentials import ISSUE
from staff.actions.onboarding import PERMISSIONS, onboard_view
from staff.actions.organizations import Resume, Suspend
from staff.base import OwnerFilter
from staff.customer_page import count_of, customer_page, state_of_owner, with_counts
from staff.display import moment, moment_of
from staff.links import link_to, linked, may_view
from staff.query_parameters import ChosenFilter


class SuspensionFilter(ChosenFilter):
    title = "suspended"
    parameter_name = "suspended"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        is_active = Q(suspended_at__isnull=True)
        return {"yes": ("Yes", ~is_active), "no": ("No", is_active)}


def limit_in_force(field: str, default: str, unit: str = " a minute") -> Callable[..., str]:
    """A column: the limit that holds, and where it is from; `default` names the setting."""

    @admin.display(description="in force")
    def shown(_page: Any, row: Organization | Project) -> str:
        override = getattr(row, field)
        if override is None:
            return f"{getattr(settings, default)}{unit}, the default"
        return f"{override}{unit}, overriding the default of {getattr(settings, default)}"

    return shown


def owned_count(
    description: str, field: str, model: type[Model], owner: str, **more: str
) -> Callable[..., SafeString]:
    """A column: the count in `field`, which leads to those of `model` that the row owns."""

    @admin.display(description=description)
    def shown(_page: Any, row: Organization | Project) -> SafeString:
        return linked(getattr(row, field), model, **{owner: row.pk}, **more)

    return shown


class SuspendableAdmin(StaffActionAdmin):
    """Suspended and resumed, never deleted.

    `given` is what staff write, `limits` each field beside the limit in force, and `owned` each
    count with the permission that it takes to see what is counted.
    """

    change_form_template = "admin/projects/customer.html"
    staff_actions = [Suspend(), Resume()]
    formfield_overrides = {
        PositiveIntegerField: {"min_value": 1, "widget": AdminIntegerFieldWidget},
    }
    given: ClassVar[list[str]]
    limits: ClassVar[list[tuple[str, str]]]
    owned: ClassVar[dict[str, str]]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display, *self.owned_seen_by(request), moment_of("created_at")]

    @admin.display(description="name", ordering="name")
    def shown_name(self, row: Organization | Project) -> str:
        return str(row)

    @admin.display(description="state", ordering="suspended_at")
    def state(self, row: Organization | Project) -> SafeString:
        return state_of_owner(row)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        title = "Name" if obj else None
        return [(title, {"fields": self.given}), ("Limits", {"fields": self.limits})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [shown for _field, shown in self.limits]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            **customer_page(request.user, row, now=clock.now()),
            "facts": self.facts(request, row),
        }

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        counts = [getattr(self, name) for name in self.owned_seen_by(request)]
        return [
            ("State", self.state(row)),
            *((str(capfirst(count.short_description)), count(row)) for count in counts),
            ("Made", moment(row.created_at, clock.now())),
            ("Id", row.pk),
        ]

    def owned_seen_by(self, request: HttpRequest) -> list[str]:
        return [name for name, needed in self.owned.items() if request.user.has_perm(needed)]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # Only what was written: a colleague's suspension of this moment must not be undone.
        obj.save(update_fields=form.changed_data if change else None)


@admin.register(Organization)
class OrganizationAdmin(SuspendableAdmin):
    list_display = ["shown_name", "state"]
    list_filter = [SuspensionFilter, "created_at"]
    search_fields = ["name", "=id"]
    change_list_template = "admin/projects/organizations.html"
    given = ["name"]
    limits = [("rate_limit", "requests_in_force")]
    owned = {
        "projects": "projects.view_project",
        "live_sessions": "sessions_app.view_detectionsession",
    }
    requests_in_force = limit_in_force("rate_limit", "RATE_LIMIT_ORGANIZATION")
    projects = owned_count("projects", "project_count", Project, "organization__id__exact")
    live_sessions = owned_count(
        "live sessions", "live_session_count", DetectionSession, "organization",
        status__exact=LIVE,
    )  # fmt: skip

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
                Organization, "projects__sessions", has_not_ended(clock.now())
            ),
        )


@admin.register(Project)
class ProjectAdmin(SuspendableAdmin):
    list_display = ["shown_name", "state"]
    list_filter = [SuspensionFilter, ("organization", OwnerFilter), "created_at"]
    search_fields = ["name", "=id", "organization__name", "=organization__id"]
    autocomplete_fields = ["organization"]
    staff_actions = [*ISSUE.values(), *SuspendableAdmin.staff_actions]
    given = ["name", "organization"]
    limits = [
        ("rate_limit", "requests_in_force"),
        ("rate_limit_sessions", "sessions_in_force"),
        ("rate_limit_movespecs", "movespec_requests_in_force"),
        ("movespec_limit", "movespecs_in_force"),
        ("version_limit", "versions_in_force"),
    ]
    owned = {
        "movespecs": "movespecs.view_movespec",
        "api_keys": "projects.view_apikey",
        "service_accounts": "projects.view_serviceaccount",
        "live_sessions": "sessions_app.view_detectionsession",
    }
    requests_in_force = limit_in_force("rate_limit", "RATE_LIMIT_PROJECT")
    sessions_in_force = limit_in_force("rate_limit_sessions", "RATE_LIMIT_SESSIONS")
    movespec_requests_in_force = limit_in_force("rate_limit_movespecs", "RATE_LIMIT_MOVESPECS")
    movespecs_in_force = limit_in_force("movespec_limit", "MOVESPECS_PER_PROJECT", unit="")
    versions_in_force = limit_in_force("version_limit", "VERSIONS_PER_MOVESPEC", unit="")
    movespecs = owned_count("MoveSpecs", "movespec_count", MoveSpec, "project__id__exact")
    api_keys = owned_count(
        "live API keys", "api_key_count", ApiKey, "project__id__exact", state="live"
    )
    service_accounts = owned_count(
        "live service accounts", "service_account_count", ServiceAccount, "project__id__exact",
        state="live",
    )  # fmt: skip
    live_sessions = owned_count(
        "live sessions", "live_session_count", DetectionSession, "project__id__exact",
        status__exact=LIVE,
    )  # fmt: skip

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        owner = row.organization
        if may_view(request.user, Organization):
            owner = link_to(owner, owner)
        return [("Customer", owner), *super().facts(request, row)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return with_counts(super().get_queryset(request), clock.now())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        read = super().get_readonly_fields(request, obj)
        # What runs under a project carries its organization in signed tokens.
        return [*read, "organization"] if obj else read
