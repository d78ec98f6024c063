"""The pages of organizations and projects."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db import connection
from django.db.models import (
    Count,
    IntegerField,
    Model,
    OuterRef,
    PositiveIntegerField,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from erasure.erasures import erasure_of
from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import ApiKey, CredentialKind, Organization, Project, ServiceAccount, is_live
from sessions_app.listing import LIVE
from sessions_app.models import DetectionSession, Outcome
from staff.actions import StaffActionAdmin
from staff.actions.credentials import IssueApiKey, IssueServiceAccount
from staff.actions.organizations import (
    MAY_ERASE,
    MAY_ONBOARD,
    Resume,
    SetRetention,
    Suspend,
    onboard_view,
)
from staff.base import AsShownAdmin, OwnerFilter, changes_of
from staff.display import DAY, badge, link, list_of, lists_seen_by, may_view, moment, moment_of
from staff.erasures import Erase
from staff.lists import StrictFilter
from staff.states import outcome_words, with_suspensions
from usage.models import UsageMonth
from webhooks.models import WebhookEndpoint

DAYS = 14
MAX_SESSIONS = 20_000
SHOWN = (*Outcome.values, "live")

_OF_PROJECT = """(
    SELECT created_at, terminal_outcome, accepted_frames_total
    FROM detection_session WHERE project_id = %s AND created_at >= %s
    ORDER BY created_at DESC LIMIT %s
)"""
_BY_DAY = """
SELECT date_trunc('day', created_at, 'UTC') AS day,
       coalesce(terminal_outcome, 'live'), count(*), sum(accepted_frames_total), min(created_at)
FROM (
    SELECT * FROM ({sessions}) AS of_projects ORDER BY created_at DESC LIMIT %s
) AS newest
GROUP BY 1, 2
"""


def recent_sessions(
    project_ids: Sequence[UUID], *, now: datetime, max_sessions: int = MAX_SESSIONS
) -> dict[str, Any]:
    """The days of UTC on which sessions were created, the newest first.

    At most `max_sessions` are read, the newest: the merge of one index scan for each project gives
    them in that order, and nothing is sorted. `counted_from` is None unless there were more.
    """
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * DAY
    rows: list[tuple[datetime, str, int, int, datetime]] = []
    if project_ids:
        sessions = " UNION ALL ".join([_OF_PROJECT] * len(project_ids))
        bounds = [value for id_ in project_ids for value in (id_, since, max_sessions)]
        with connection.cursor() as cursor:
            cursor.execute(_BY_DAY.format(sessions=sessions), [*bounds, max_sessions])
            rows = cursor.fetchall()
    counts = {(day, outcome): count for day, outcome, count, *_ in rows}
    frames = Counter[datetime]()
    for day, _outcome, _count, accepted, _earliest in rows:
        frames[day] += int(accepted)
    outcomes = [one for one in SHOWN if any(outcome == one for _day, outcome in counts)]
    is_cut = sum(counts.values()) == max_sessions
    return {
        "columns": [(one, outcome_words(one)) for one in outcomes],
        "days": [
            (day, [counts.get((day, one), 0) for one in outcomes], frames[day])
            for day in sorted(frames, reverse=True)
        ],
        "counted_from": min((row[4] for row in rows), default=None) if is_cut else None,
    }


# The newest projects whose sessions are read: each is a part of the statement.
MAX_PROJECTS_READ = 200


def count_column(label: str, field: str, model: type[Model], **filters: str) -> Any:
    """A column with the number in `field`, which leads to the list of what it counts."""

    @admin.display(description=label)
    def shown(row: Organization | Project) -> SafeString:
        path = "organization" if isinstance(row, Organization) else "project"
        # The list of sessions has a parameter of its own for a customer.
        is_own = model is DetectionSession and path == "organization"
        owner = path if is_own else f"{path}__id__exact"
        return link(list_of(model, **{owner: row.pk}, **filters), getattr(row, field))

    shown.counts = model  # type: ignore[attr-defined]
    return shown


LIVE_SESSIONS = count_column(
    "live sessions", "live_session_count", DetectionSession, status__exact=LIVE
)


def count_of(model: type[Model], relation: str, *conditions: Q, **more: Any) -> Coalesce:
    """A subquery that counts the rows that each row owns by the reverse `relation`.

    `relation` may lead through others, as in `projects__sessions`: each step is counted by itself,
    and summed. PostgreSQL might read every session of the platform for a join.
    """
    step, _, further = relation.partition(LOOKUP_SEP)
    field: Any = model._meta.get_field(step).remote_field
    owned = field.model._base_manager.filter(**{field.name: OuterRef("pk")}).order_by()
    if further:
        counted = owned.annotate(one=count_of(field.model, further, *conditions, **more))
        number: Sum | Count = Sum("one")
    else:
        counted, number = owned.filter(*conditions, **more), Count("pk")
    by_owner = counted.values(field.name).annotate(counted=number).values("counted")
    return Coalesce(Subquery(by_owner, output_field=IntegerField()), 0)


class SuspensionFilter(StrictFilter):
    title = "suspended"
    parameter_name = "suspended"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        is_active = Q(suspended_at__isnull=True)
        return {"yes": ("Yes", ~is_active), "no": ("No", is_active)}


@cache
def limit_in_force(field: str, default: str) -> Callable[..., str]:
    """The limit in force, as a field of a page; `default` names the setting."""
    unit = " a minute" if field.startswith("rate_limit") else ""

    @admin.display(description="in force")
    def shown(row: Organization | Project) -> str:
        override, usual = getattr(row, field), getattr(settings, default)
        if override is None:
            return "none, the default" if usual is None else f"{usual}{unit}, the default"
        return f"{override}{unit}, overriding the default of {'none' if usual is None else usual}"

    return shown


class SuspendableAdmin(AsShownAdmin, StaffActionAdmin):
    """The page of an owner, which is never deleted.

    `given`: the fields of the form. `limits`: each limit, and the setting that it overrides;
    `set_limits` accepts the same. `owned`: columns that count rows, each for staff who may view
    those rows.
    """

    change_form_template = "admin/projects/customer.html"
    list_display = ["shown_name", "state"]
    staff_actions = [Suspend(), Resume(), Erase()]
    formfield_overrides = {
        PositiveIntegerField: {"min_value": 1, "widget": AdminIntegerFieldWidget}
    }
    given: ClassVar[list[str]]
    limits: ClassVar[dict[str, str]]
    owned: ClassVar[list[Any]]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display, *self.owned_seen_by(request), moment_of("created_at")]

    @admin.display(description="state", ordering="suspended_at")
    def state(self, row: Organization | Project) -> SafeString:
        return with_suspensions(row) or badge("active", "good")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        title = "Name" if obj else None
        limits = [(field, limit_in_force(field, self.limits[field])) for field in self.limits]
        return [(title, {"fields": self.given}), ("Limits", {"fields": limits})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [limit_in_force(*limit) for limit in self.limits.items()]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "facts": self.facts(request, row),
            "recent": self.recent(row) if may_view(request.user, DetectionSession) else None,
            "max_sessions": MAX_SESSIONS,
        }

    def recent(self, row: Any) -> dict[str, Any]:
        own = "organization" if isinstance(row, Organization) else "pk"
        projects = Project.objects.filter(**{own: row.pk}).order_by("-created_at")
        ids = list(projects.values_list("pk", flat=True)[:MAX_PROJECTS_READ])
        return recent_sessions(ids, now=clock.now())

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        counts = self.owned_seen_by(request)
        erasure = erasure_of(row)
        return [
            ("State", self.state(row)),
            *([("Being erased", link(erasure, "how far it is"))] if erasure else []),
            *((capfirst(one.short_description), one(row)) for one in counts),
            ("Made", moment(row.created_at, clock.now())),
            ("Id", row.pk),
        ]

    def leads_to(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        is_customer = isinstance(row, Organization)
        path = "project__organization__id__exact" if is_customer else "project__id__exact"
        own = "organization" if is_customer else "project__id__exact"
        leads: list[tuple[str, type[Model], Any]] = [("Sessions", DetectionSession, {own: row.pk})]
        for model in (ApiKey, ServiceAccount, MoveSpec, WebhookEndpoint):
            leads.append((str(capfirst(model._meta.verbose_name_plural)), model, {path: row.pk}))
        if is_customer:
            leads.append(("Usage", UsageMonth, {"organization_id__exact": row.pk}))
        return lists_seen_by(request.user, *leads, ("Who did what", LogEntry, {"q": row.pk}))

    def owned_seen_by(self, request: HttpRequest) -> list[Any]:
        return [one for one in self.owned if may_view(request.user, one.counts)]

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        if add or not form.changed_data:
            return super().construct_change_message(request, form, formsets, add)
        return f"Changed {changes_of(form)}."


@admin.register(Organization)
class OrganizationAdmin(SuspendableAdmin):
    list_filter = [SuspensionFilter, "created_at"]
    search_fields = ["name", "=id"]
    staff_actions = [SetRetention(), *SuspendableAdmin.staff_actions]
    change_list_template = "admin/projects/organizations.html"
    given = ["name"]
    limits = {"rate_limit": "RATE_LIMIT_ORGANIZATION", "retention_days": "RETENTION_DAYS"}
    owned = [count_column("projects", "project_count", Project), LIVE_SESSIONS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        read = super().get_readonly_fields(request, obj)
        # Fewer days delete sessions, so *Set retention* changes them and asks first.
        is_read = obj or not request.user.has_perm(MAY_ERASE)
        return [*read, "retention_days"] if is_read else read

    def get_urls(self) -> list[URLPattern]:
        onboard = self.admin_site.admin_view(partial(onboard_view, self))
        own = path("onboard/", onboard, name="projects_organization_onboard")
        return [own, *super().get_urls()]

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        may_onboard = request.user.has_perms(MAY_ONBOARD)
        return {**super().list_context(request), "may_onboard": may_onboard}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        # Only live sessions have a deadline.
        live = count_of(Organization, "projects__sessions", deadline_at__isnull=False)
        projects = count_of(Organization, "projects")
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(project_count=projects, live_session_count=live)


@admin.register(Project)
class ProjectAdmin(SuspendableAdmin):
    list_filter = [SuspensionFilter, ("organization", OwnerFilter), "created_at"]
    search_fields = ["name", "=id", "organization__name", "=organization__id"]
    autocomplete_fields = ["organization"]
    staff_actions = [IssueApiKey(), IssueServiceAccount(), *SuspendableAdmin.staff_actions]
    given = ["name", "organization"]
    limits = {
        "rate_limit": "RATE_LIMIT_PROJECT",
        "rate_limit_sessions": "RATE_LIMIT_SESSIONS",
        "rate_limit_movespecs": "RATE_LIMIT_MOVESPECS",
        "movespec_limit": "MOVESPECS_PER_PROJECT",
        "version_limit": "VERSIONS_PER_MOVESPEC",
        "live_sessions": "LIVE_SESSIONS_PER_PROJECT",
        "session_seconds": "SESSION_MAX_SECONDS",
        "session_events": "SESSION_MAX_EVENTS",
    }
    page = ["page_name", "page_color", "page_frames", "page_returns"]
    owned = [
        count_column("MoveSpecs", "movespec_count", MoveSpec),
        count_column("live API keys", "api_key_count", ApiKey, state="live"),
        count_column(
            "live service accounts", "service_account_count", ServiceAccount, state="live"
        ),
        LIVE_SESSIONS,
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_fieldsets(request, obj), ("Session page", {"fields": self.page})]

    def facts(self, request: HttpRequest, row: Any) -> list[tuple[str, Any]]:
        owner = row.organization
        if may_view(request.user, Organization):
            owner = link(owner, owner)
        return [("Customer", owner), *super().facts(request, row)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        live_keys = partial(count_of, Project, "credentials", is_live(clock.now()))
        rows: QuerySet[Project] = super().get_queryset(request)
        return rows.annotate(
            movespec_count=count_of(Project, "movespecs"),
            api_key_count=live_keys(kind=CredentialKind.API_KEY),
            service_account_count=live_keys(kind=CredentialKind.SERVICE_ACCOUNT),
            live_session_count=count_of(Project, "sessions", deadline_at__isnull=False),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        read = super().get_readonly_fields(request, obj)
        # Running sessions have the organization in their signed tokens.
        return [*read, "organization"] if obj else read
