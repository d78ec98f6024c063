"""The index and the menu: what staff may do, what needs attention, the sessions now, and those of
the last day.

A section is shown to those who may view its rows. Its queries are bounded.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Count, Model, QuerySet
from django.db.models.functions import TruncHour
from django.urls import reverse

from erasure.models import Erasure
from kynaplatform.timing import SWEEP_STANDS
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import AccessToken, ApiKey, Organization, Project, ServiceAccount, SigningKey
from sessions_app.metrics import live_counts, sweep_lag, swept_at
from sessions_app.models import DetectionSession, Mode, Status
from staff.actions.organizations import ONBOARD
from staff.display import DAY, OF_KIND, RowCount, count_up_to, duration, list_of, may_view
from staff.states import about_to_expire, needs_attention
from usage.models import UsageMonth
from webhooks.models import SenderState, WebhookDelivery, WebhookEndpoint

# A group's title, and its models in their order.
GROUPS: dict[str, Sequence[type[Model]]] = {
    "Customers": (Organization, Project, UsageMonth),
    "Credentials": (ApiKey, ServiceAccount, AccessToken),
    "Movements": (MoveSpec, MoveSpecVersion, Release, MoveSpecDraft),
    "Sessions": (DetectionSession,),
    "Webhooks": (WebhookEndpoint, WebhookDelivery),
    "Erasures": (Erasure,),
    "Platform": (LogEntry, User, Group, SigningKey),
}
# The label of each task of staff, the list on which it begins, and the permissions that it takes.
TASKS: Sequence[tuple[str, type[Model], Sequence[str]]] = (
    ("Find a customer", Organization, ["view_organization"]),
    ("See what customers used", UsageMonth, ["view_usagemonth"]),
    (ONBOARD, Organization, ["add_organization", "add_project", "add_apikey"]),
    ("Issue an API key", Project, ["add_apikey"]),
    ("Rotate or revoke a key", ApiKey, ["change_apikey"]),
    ("See a movement's versions", MoveSpec, ["view_movespec"]),
    ("Release, roll back or withdraw a version", MoveSpecVersion, ["release_movespecversion"]),
    ("See what a session counted", DetectionSession, ["view_detectionsession"]),
    ("See why a webhook fails", WebhookEndpoint, ["view_webhookendpoint"]),
    ("See who did what", LogEntry, ["view_logentry"]),
)


def grouped(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    models = {model["model"]: model for app in apps for model in app["models"]}
    if log := models.get(LogEntry):
        log["name"] = "Who did what"
    groups = [
        {"name": title, "models": [models[one] for one in group if one in models]}
        for title, group in GROUPS.items()
    ]
    return [group for group in groups if group["models"]]


MAX_COUNTED = 1_000
HOURS = 24
BAR_HEIGHT, BAR_STEP = 100, 10


def dashboard(user: Any, *, now: datetime) -> dict[str, Any]:
    onboard = reverse("admin:projects_organization_onboard")
    shown: dict[str, Any] = {
        "attention": list(_attention(user, now)),
        "tasks": [
            (label, onboard if label == ONBOARD else list_of(model))
            for label, model, codenames in TASKS
            if user.has_perms([f"{model._meta.app_label}.{one}" for one in codenames])
        ],
    }
    if may_view(user, DetectionSession):
        shown |= {
            "live": [
                (status, count, list_of(DetectionSession, status__exact=status))
                for status, count in live_counts().items()
            ],
            "created": created_per_hour(now),
            "lag": duration(lag := sweep_lag(now)),
            "sweep_stands": sweep_stands(now, lag),
        }
    if may_view(user, WebhookEndpoint):
        shown["webhooks_paused"] = SenderState.pause_reason()
    return shown


def sweep_stands(now: datetime, lag: timedelta) -> str | None:
    """Since when no sweep has ended well, in words; None while it runs.

    Before the first sweep of this release a worker of the release before may sweep.
    """
    if (last := swept_at()) is None:
        return "yet" if lag > SWEEP_STANDS else None
    since = now - last
    return f"for {duration(since)}" if since > SWEEP_STANDS else None


def created_per_hour(now: datetime) -> dict[str, Any]:
    """A chart of the sessions created in each of the last hours, the running hour last."""
    running = now.replace(minute=0, second=0, microsecond=0)
    hours = [running - timedelta(hours=back) for back in reversed(range(HOURS))]
    # Every status and mode is named, so that their index with the time serves.
    created = DetectionSession.objects.filter(
        status__in=Status.values, mode__in=Mode.values, created_at__gte=hours[0]
    )
    per_hour = created.order_by().values_list(TruncHour("created_at"))
    counts = dict(per_hour.annotate(count=Count("*")))
    values = [counts.get(hour, 0) for hour in hours]
    most = max(values)
    bars = []
    for number, (hour, value) in enumerate(zip(hours, values, strict=True)):
        height = round(BAR_HEIGHT * value / (most or 1))
        place = {"x": number * BAR_STEP, "y": BAR_HEIGHT - height, "height": height}
        bars.append({"since": hour, "value": value, **place})
    return {"bars": bars, "total": sum(values), "most": most, "width": BAR_STEP * HOURS}


def _attention(user: Any, now: datetime) -> Iterator[tuple[str, RowCount, str]]:
    """The title, number and address of the rows of each kind that need attention, if any do."""
    days = f"{now - DAY:%Y-%m-%d}..{now:%Y-%m-%d}"
    failed = DetectionSession.objects.filter(
        status=Status.FAILED, mode__in=Mode.values, created_at__gte=now - DAY
    )
    trying = WebhookEndpoint.objects.filter(needs_attention(now), deleted_at__isnull=True)
    lists: list[tuple[str, QuerySet[Any], dict[str, str]]] = [
        *(
            (
                f"Suspended {owner._meta.verbose_name_plural}",
                owner._default_manager.filter(suspended_at__isnull=False),
                {"suspended": "yes"},
            )
            for owner in (Organization, Project)
        ),
        (
            "Sessions that failed in the last day",
            failed,
            {"status__exact": Status.FAILED, "day": days},
        ),
        ("Webhooks whose every try fails", trying, {"state": "attention"}),
        *(
            (
                f"{kind._meta.verbose_name_plural} about to expire",
                kind._default_manager.filter(about_to_expire(now)),
                {"state": "due"},
            )
            for kind in OF_KIND.values()
        ),
    ]
    for title, rows, filters in lists:
        if may_view(user, rows.model) and (number := count_up_to(rows, most=MAX_COUNTED)):
            yield title, number, list_of(rows.model, **filters)
