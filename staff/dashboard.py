"""The sections of the index: what needs attention, and the sessions.

A section is shown to those who may view its rows. Each is bounded, however much there is.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, F, QuerySet

from common.names import visible
from kynaplatform.timing import SWEEP_STANDS
from projects.models import Credential, Organization, Project
from sessions_app.last_runs import swept_at
from sessions_app.metrics import live_counts, sweep_lag
from sessions_app.models import DetectionSession, Mode, Status
from staff.display import DAY, duration
from staff.names import OF_KIND, list_of, may_view, page_of, with_customer
from staff.states import about_to_expire
from staff.webhook_display import SECRETS, needs_attention, shown_url
from webhooks.models import WebhookEndpoint
from webhooks.pause import pause_reason

MAX_NAMED = 10


class Concern(NamedTuple):
    name: str
    address: str
    detail: str


class Concerns(NamedTuple):
    """The first things of a kind that need attention, and the address of all if there are more."""

    title: str
    named: Sequence[Concern]
    more: str | None


def dashboard(user: Any, *, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"attention": [one for one in _attention(user, now) if one.named]}
    if may_view(user, DetectionSession):
        shown |= {
            "live": [
                (status, count, list_of(DetectionSession, status__exact=status))
                for status, count in live_counts().items()
            ],
            "lag": duration(lag := sweep_lag(now)),
            "sweep_stands": sweep_stands(now, lag),
        }
    if may_view(user, WebhookEndpoint):
        shown["webhooks_paused"] = pause_reason()
    return shown


def sweep_stands(now: datetime, lag: timedelta) -> str | None:
    """Since when no sweep has ended well, in words; None while it runs.

    Before the first of this release a worker of the one before may sweep.
    """
    if (last := swept_at()) is None:
        return "yet" if lag > SWEEP_STANDS else None
    since = now - last
    return f"for {duration(since)}" if since > SWEEP_STANDS else None


def _attention(user: Any, now: datetime) -> Iterator[Concerns]:
    owners: tuple[type[Any], ...] = (Organization, Project)
    for model in owners:
        if may_view(user, model):
            suspended = model.objects.filter(suspended_at__isnull=False)
            rows = with_customer(suspended).order_by("-suspended_at")
            yield _concerns(
                f"Suspended {model._meta.verbose_name_plural}",
                [
                    Concern(str(row), page_of(row), f"since {row.suspended_at:%Y-%m-%d %H:%M} UTC")
                    for row in rows[: MAX_NAMED + 1]
                ],
                list_of(model, suspended="yes"),
            )
    if may_view(user, DetectionSession):
        yield _failing(now)
    if may_view(user, WebhookEndpoint):
        yield _failing_webhooks(now)
    for kind, model in OF_KIND.items():
        if may_view(user, model):
            yield _expiring(kind, model, now)


def _failing(now: datetime) -> Concerns:
    """The projects with the most failed sessions among those created in the last day."""
    since = now - DAY
    days = f"{since:%Y-%m-%d}..{now:%Y-%m-%d}"
    failed = DetectionSession.objects.filter(
        status=Status.FAILED, mode__in=Mode.values, created_at__gte=since
    )
    by_project = failed.order_by().values_list("project_id").annotate(count=Count("id"))
    counts = dict(by_project.order_by("-count")[: MAX_NAMED + 1])
    named = with_customer(Project.objects.all()).in_bulk(list(counts))
    return _concerns(
        "Projects with failed sessions in the last day",
        [
            Concern(
                str(named[project_id]),
                list_of(
                    DetectionSession,
                    status__exact=Status.FAILED,
                    project__id__exact=project_id,
                    day=days,
                ),
                f"{count} failed",
            )
            for project_id, count in counts.items()
        ],
        list_of(DetectionSession, status__exact=Status.FAILED, day=days),
    )


def _failing_webhooks(now: datetime) -> Concerns:
    failing = WebhookEndpoint.objects.filter(needs_attention(now), deleted_at__isnull=True)
    rows = with_customer(failing).defer(*SECRETS)
    order = (F("disabled_at").asc(nulls_first=True), "failing_since")
    return _concerns(
        "Webhooks whose every try fails",
        [
            Concern(
                f"{row.project} / {shown_url(row.url)}",
                page_of(row),
                f"since {row.failing_since:%Y-%m-%d %H:%M} UTC"
                if row.disabled_at is None
                else f"disabled {row.disabled_at:%Y-%m-%d %H:%M} UTC",
            )
            for row in rows.order_by(*order)[: MAX_NAMED + 1]
        ],
        list_of(WebhookEndpoint, state="attention"),
    )


def _expiring(kind: str, model: type[Credential], now: datetime) -> Concerns:
    rows: QuerySet[Credential] = Credential.objects.filter(about_to_expire(now), kind=kind)
    return _concerns(
        f"{model._meta.verbose_name_plural} about to expire",
        [
            Concern(
                f"{row.project} / {visible(row.name)}",
                page_of(row),
                f"{'expired' if row.expires_at <= now else 'expires'} "
                f"{row.expires_at:%Y-%m-%d %H:%M} UTC",
            )
            for row in with_customer(rows).order_by("expires_at")[: MAX_NAMED + 1]
            if row.expires_at
        ],
        list_of(model, state="due"),
    )


def _concerns(title: str, found: list[Concern], all_of_them: str) -> Concerns:
    more = all_of_them if len(found) > MAX_NAMED else None
    return Concerns(title, found[:MAX_NAMED], more)
