"""The sections of the index: what needs attention, the sessions now, and those of the last day.

A section is shown to those who may view its rows. Each is bounded, however much there is.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Model, QuerySet
from django.db.models.functions import TruncHour

from kynaplatform.timing import SWEEP_STANDS
from projects.models import Credential, Organization, Project
from sessions_app.metrics import live_counts, sweep_lag, swept_at
from sessions_app.models import DetectionSession, Mode, Status
from staff.display import DAY, duration
from staff.names import OF_KIND, list_of, may_view
from staff.states import about_to_expire
from staff.webhook_display import needs_attention
from webhooks.models import SenderState, WebhookEndpoint

MAX_COUNTED = 1_000
HOURS = 24
BAR_HEIGHT, BAR_STEP = 100, 10


class Bar(NamedTuple):
    """A span of time, and its rectangle in the chart. Rectangles are BAR_STEP apart."""

    since: datetime
    value: int
    x: int
    y: int
    height: int


class Chart(NamedTuple):
    bars: Sequence[Bar]
    total: int
    most: int

    @property
    def width(self) -> int:
        return BAR_STEP * len(self.bars)


class Concern(NamedTuple):
    """Rows that need attention: how many, up to a bound, and the list that shows them."""

    title: str
    number: str
    address: str


def dashboard(user: Any, *, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"attention": list(_attention(user, now))}
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

    Before the first of this release a worker of the one before may sweep.
    """
    if (last := swept_at()) is None:
        return "yet" if lag > SWEEP_STANDS else None
    since = now - last
    return f"for {duration(since)}" if since > SWEEP_STANDS else None


def created_per_hour(now: datetime) -> Chart:
    """A chart of the sessions created in each of the last hours, the running hour last."""
    running = now.replace(minute=0, second=0, microsecond=0)
    hours = [running - timedelta(hours=back) for back in reversed(range(HOURS))]
    # Every status and mode is named, so that their index with the time serves.
    created = DetectionSession.objects.filter(
        status__in=Status.values, mode__in=Mode.values, created_at__gte=hours[0]
    )
    per_hour = created.order_by().values_list(TruncHour("created_at"))
    counts = dict(per_hour.annotate(count=Count("*")))
    return _chart([counts.get(hour, 0) for hour in hours], hours)


def _chart(values: Sequence[int], hours: Sequence[datetime]) -> Chart:
    most = max(values)
    bars = []
    for number, (hour, value) in enumerate(zip(hours, values, strict=True)):
        height = round(BAR_HEIGHT * value / (most or 1))
        bars.append(Bar(hour, value, number * BAR_STEP, BAR_HEIGHT - height, height))
    return Chart(bars, sum(values), most)


def _attention(user: Any, now: datetime) -> Iterator[Concern]:
    """Each list that is filtered to what needs attention, unless it is empty."""
    days = f"{now - DAY:%Y-%m-%d}..{now:%Y-%m-%d}"
    failed = DetectionSession.objects.filter(
        status=Status.FAILED, mode__in=Mode.values, created_at__gte=now - DAY
    )
    kinds: list[tuple[str, type[Model], QuerySet[Any], dict[str, str]]] = [
        *(
            (
                f"Suspended {owner._meta.verbose_name_plural}",
                owner,
                owner._default_manager.filter(suspended_at__isnull=False),
                {"suspended": "yes"},
            )
            for owner in (Organization, Project)
        ),
        (
            "Sessions that failed in the last day",
            DetectionSession,
            failed,
            {"status__exact": Status.FAILED, "day": days},
        ),
        (
            "Webhooks whose every try fails",
            WebhookEndpoint,
            WebhookEndpoint.objects.filter(needs_attention(now), deleted_at__isnull=True),
            {"state": "attention"},
        ),
        *(
            (
                f"{model._meta.verbose_name_plural} about to expire",
                model,
                Credential.objects.filter(about_to_expire(now), kind=kind),
                {"state": "due"},
            )
            for kind, model in OF_KIND.items()
        ),
    ]
    for title, model, rows, filters in kinds:
        if may_view(user, model) and (number := rows.order_by()[: MAX_COUNTED + 1].count()):
            told = f"over {MAX_COUNTED:,}" if number > MAX_COUNTED else f"{number}"
            yield Concern(title, told, list_of(model, **filters))
