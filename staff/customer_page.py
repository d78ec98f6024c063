"""The sections of a customer's page, and of a project's: what it owns, and its last days.

A section is shown to those who may view its rows. Each table is cut, and links lead to the whole
lists.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.admin.models import LogEntry
from django.db.models import Count, F, IntegerField, Model, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from kynaplatform.api.names import visible
from movespecs.models import MoveSpec
from projects.credentials import is_live
from projects.models import (
    ApiKey,
    Credential,
    CredentialKind,
    Organization,
    Project,
    ServiceAccount,
)
from sessions_app.models import DetectionSession
from sessions_app.session_filters import LIVE
from staff.credential_states import state_badge
from staff.display import badge, moment, short_id, short_ids
from staff.full_names import with_customer
from staff.history import history_of_all, told
from staff.links import OF_KIND, link_to, linked, list_of, may_view
from staff.namesakes import in_use_first, release_words, with_successor
from staff.sessions_by_day import MAX_SESSIONS, recent_sessions
from staff.suspensions import with_suspensions
from staff.usage_words import hours_words, month_words
from staff.webhook_display import SECRETS, shown_url, state_of_endpoint, with_last_deliveries
from usage.models import UsageMonth
from webhooks.models import WebhookEndpoint

MAX_LISTED = 10
# The statement that reads their sessions has a part for each project.
MAX_PROJECTS_READ = 200
NEVER = "-"


class Section(NamedTuple):
    """A table of the page. `everything` has the links to the lists that it is cut from."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    everything: Sequence[tuple[str, str]]


class OwnedCount(NamedTuple):
    """A column that counts what a row owns: `field` has the number, `filters` narrow its list."""

    label: str
    field: str
    model: type[Model]
    filters: dict[str, str] = {}

    def link(self, row: Organization | Project) -> SafeString:
        """The number, which leads to the list of what it counts."""
        path = "organization" if isinstance(row, Organization) else "project"
        # The list of sessions has a parameter of its own for a customer.
        is_own = self.model is DetectionSession and path == "organization"
        owner = path if is_own else f"{path}__id__exact"
        return linked(getattr(row, self.field), self.model, **{owner: row.pk}, **self.filters)


LIVE_KEYS = {"state": "live"}
LIVE_SESSIONS = OwnedCount(
    "live sessions", "live_session_count", DetectionSession, {"status__exact": LIVE}
)
OWNED_BY_ORGANIZATION = [OwnedCount("projects", "project_count", Project), LIVE_SESSIONS]
OWNED_BY_PROJECT = [
    OwnedCount("MoveSpecs", "movespec_count", MoveSpec),
    OwnedCount("live API keys", "api_key_count", ApiKey, LIVE_KEYS),
    OwnedCount("live service accounts", "service_account_count", ServiceAccount, LIVE_KEYS),
    LIVE_SESSIONS,
]


class Holdings(NamedTuple):
    """The rows that a customer or a project owns, and the addresses of the lists that show them."""

    owner: Organization | Project
    projects: QuerySet[Project]

    @property
    def is_of_customer(self) -> bool:
        return isinstance(self.owner, Organization)

    def all_of(self, model: type[Model], **more: str) -> str:
        path = "project__organization" if self.is_of_customer else "project"
        return list_of(model, **{f"{path}__id__exact": self.owner.pk}, **more)

    def all_of_sessions(self) -> str:
        name = "organization" if self.is_of_customer else "project__id__exact"
        return list_of(DetectionSession, **{name: self.owner.pk})


def holdings_of(owner: Organization | Project) -> Holdings:
    field = "organization" if isinstance(owner, Organization) else "pk"
    return Holdings(owner, Project.objects.filter(**{field: owner.pk}))


def count_of(model: type[Model], relation: str, *conditions: Q, **more: Any) -> Coalesce:
    """A subquery that counts the rows that each row owns by the reverse `relation`.

    `relation` may lead through others, as in `projects__sessions`: the counts of each are added up,
    since a plan that joins them may read the sessions of all.
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


def with_counts(projects: QuerySet[Project], now: datetime) -> QuerySet[Project]:
    return projects.annotate(
        movespec_count=count_of(Project, "movespecs"),
        api_key_count=count_of(Project, "credentials", is_live(now), kind=CredentialKind.API_KEY),
        service_account_count=count_of(
            Project, "credentials", is_live(now), kind=CredentialKind.SERVICE_ACCOUNT
        ),
        # Live sessions alone have a deadline.
        live_session_count=count_of(Project, "sessions", deadline_at__isnull=False),
    )


def state_of_owner(row: Organization | Project) -> SafeString:
    return with_suspensions(row) or badge("active", "good")


def customer_page(user: Any, owner: Organization | Project, *, now: datetime) -> dict[str, Any]:
    holdings = holdings_of(owner)
    shown: dict[str, Any] = {"sections": list(_sections(user, holdings, now))}
    if may_view(user, DetectionSession):
        newest = holdings.projects.order_by("-created_at").values_list("pk", flat=True)
        ids = list(newest[: MAX_PROJECTS_READ + 1])
        shown |= {
            "recent": recent_sessions(ids[:MAX_PROJECTS_READ], now=now),
            "max_sessions": MAX_SESSIONS,
            "all_sessions": holdings.all_of_sessions(),
            "most_projects": MAX_PROJECTS_READ if len(ids) > MAX_PROJECTS_READ else None,
        }
    if user.has_perm("admin.view_logentry"):
        shown["history"] = _history(user, owner, now)
    return shown


def _sections(user: Any, holdings: Holdings, now: datetime) -> Iterator[Section]:
    if holdings.is_of_customer and may_view(user, Project):
        yield _projects(user, holdings, now)
    kinds = [kind for kind, model in OF_KIND.items() if may_view(user, model)]
    if kinds:
        yield _credentials(holdings, kinds, now)
    if may_view(user, MoveSpec):
        yield _movespecs(holdings, now)
    if may_view(user, WebhookEndpoint):
        yield _webhooks(holdings, now)
    if holdings.is_of_customer and may_view(user, UsageMonth):
        yield _usage(holdings)


def _projects(user: Any, holdings: Holdings, now: datetime) -> Section:
    seen = [one for one in OWNED_BY_PROJECT if may_view(user, one.model)]
    found = with_counts(with_customer(holdings.projects), now).order_by("-created_at")
    rows = [
        (
            link_to(row, visible(row.name)),
            state_of_owner(row),
            *(one.link(row) for one in seen),
        )
        for row in found[:MAX_LISTED]
    ]
    everything = [("All projects", list_of(Project, organization__id__exact=holdings.owner.pk))]
    columns = ["Project", "State", *(str(capfirst(one.label)) for one in seen)]
    return Section("Projects", columns, rows, everything)


def _credentials(holdings: Holdings, kinds: Sequence[str], now: datetime) -> Section:
    """The live credentials, the next to expire first."""
    live = Credential.objects.filter(is_live(now), project__in=holdings.projects, kind__in=kinds)
    found = with_successor(with_customer(live)).order_by(
        F("expires_at").asc(nulls_last=True), "-created_at"
    )
    rows = [
        (
            format_html("{} {}", link_to(row, visible(row.name)), short_id(row.pk)),
            row.get_kind_display(),
            *([visible(row.project.name)] if holdings.is_of_customer else []),
            state_badge(row, now),
            moment(row.last_used_at, now) if row.last_used_at else "never",
            moment(row.expires_at, now) if row.expires_at else "never",
        )
        for row in found[:MAX_LISTED]
    ]
    everything = [
        (f"All {OF_KIND[kind]._meta.verbose_name_plural}", holdings.all_of(OF_KIND[kind]))
        for kind in kinds
    ]
    of_project = ["Project"] if holdings.is_of_customer else []
    columns = ["Name", "Kind", *of_project, "State", "Last used", "Expires"]
    return Section("Live keys", columns, rows, everything)


def _movespecs(holdings: Holdings, now: datetime) -> Section:
    kept = MoveSpec.objects.filter(archived_at__isnull=True, project__in=holdings.projects)
    found = with_customer(kept).select_related("current_released_version")
    rows = [
        (
            format_html("{} {}", link_to(row, str(row)), short_id(row.pk)),
            *([visible(row.project.name)] if holdings.is_of_customer else []),
            link_to(row.current_released_version, release_words(row))
            if row.current_released_version
            else NEVER,
            moment(row.updated_at, now),
        )
        for row in found.defer("current_released_version__yaml_source").order_by(
            *in_use_first(MoveSpec), "-created_at"
        )[:MAX_LISTED]
    ]
    of_project = ["Project"] if holdings.is_of_customer else []
    columns = ["MoveSpec", *of_project, "Released", "Changed"]
    return Section("MoveSpecs", columns, rows, [("All MoveSpecs", holdings.all_of(MoveSpec))])


def _webhooks(holdings: Holdings, now: datetime) -> Section:
    kept = WebhookEndpoint.objects.filter(deleted_at__isnull=True, project__in=holdings.projects)
    found: Any = with_last_deliveries(with_customer(kept).defer(*SECRETS)).order_by("-created_at")
    rows = [
        (
            link_to(row, shown_url(row.url)),
            *([visible(row.project.name)] if holdings.is_of_customer else []),
            state_of_endpoint(row),
            moment(row.waiting_since, now) if row.waiting_since else NEVER,
            moment(row.last_delivered_at, now) if row.last_delivered_at else NEVER,
        )
        for row in found[:MAX_LISTED]
    ]
    of_project = ["Project"] if holdings.is_of_customer else []
    columns = ["Address", *of_project, "State", "Oldest waiting", "Last delivered"]
    everything = [("All webhook endpoints", holdings.all_of(WebhookEndpoint))]
    return Section("Webhooks", columns, rows, everything)


def _usage(holdings: Holdings) -> Section:
    found = UsageMonth.objects.filter(organization_id=holdings.owner.pk).order_by("-month")
    rows = [
        (
            month_words(row.month),
            f"{row.sessions:,}",
            f"{row.accepted_frames:,}",
            f"{row.live_frames:,}",
            hours_words(row.active_ms),
        )
        for row in found[:MAX_LISTED]
    ]
    everything = list_of(UsageMonth, organization_id__exact=holdings.owner.pk)
    columns = ["Month", "Sessions", "Accepted frames", "Live frames", "Active hours"]
    return Section("Usage", columns, rows, [("All usage", everything)])


def _history(user: Any, owner: Organization | Project, now: datetime) -> Section:
    entries = history_of_all(owner).select_related("user", "content_type")
    rows = [
        (
            moment(entry.action_time, now),
            entry.user,
            _subject(user, entry),
            short_ids(done),
            reason or NEVER,
        )
        for entry in entries[:MAX_LISTED]
        for done, reason in [told(entry)]
    ]
    everything = [("All log entries", list_of(LogEntry, q=owner.pk))]
    title = "What was done to it and to what it owns"
    return Section(title, ["When", "Who", "What", "Done", "Why"], rows, everything)


def _subject(user: Any, entry: Any) -> Any:
    model = entry.content_type.model_class()
    if model and may_view(user, model) and (address := entry.get_admin_url()):
        return format_html('<a href="{}">{}</a>', address, short_ids(entry.object_repr))
    return short_ids(entry.object_repr)
