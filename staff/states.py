"""The states of rows, as badges and as conditions, and the history of what staff did to them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Credential, Organization, Project, row_is_live
from sessions_app.models import DetectionSession, Outcome, Status
from staff.display import Tone, badge, full_name, project_of
from webhooks.models import DeliveryStatus, DisabledReason, WebhookDelivery, WebhookEndpoint

# What separates the deed of an entry from its reason. No name in the deed can hold a line break.
REASON = "\nReason: "
# The separator of earlier releases.
REASON_BEFORE = ". Reason: "
Owner = Organization | Project


def history_of(row: Any) -> QuerySet[LogEntry]:
    """The entries about `row`, the newest first. A MoveSpec has one history with its versions."""
    subject = getattr(row, "movespec", row)
    kinds = [_content_type(subject)]
    ids: Any = [str(subject.pk)]
    if isinstance(subject, MoveSpec):
        kinds.append(_content_type(MoveSpecVersion))
        own, versions = (
            rows.order_by().annotate(text=Cast("id", TextField())).values("text")
            for rows in (MoveSpec.objects.filter(pk=subject.pk), subject.versions.all())
        )
        ids = own.union(versions, all=True)
    entries = LogEntry.objects.filter(content_type__in=kinds, object_id__in=ids)
    return entries.select_related("user").order_by("-action_time")


def history_add(
    *,
    user_id: int,
    row: Model | type[Model],
    message: Any,
    flag: int = CHANGE,
    reason: str | None = None,
) -> LogEntry:
    """Write what a user did to a row or a list, and why. Django's own names no customer."""
    if reason or REASON_BEFORE in message:
        message = f"{message}{REASON}{reason or ''}"
    return LogEntry.objects.create(
        user_id=user_id,
        content_type=_content_type(row),
        object_id=row.pk if isinstance(row, Model) else None,
        object_repr=full_name(row)[:200] if isinstance(row, Model) else "list as CSV",
        action_flag=flag,
        change_message=message if isinstance(message, str) else json.dumps(message),
    )


def message_and_reason(entry: LogEntry) -> tuple[str, str]:
    """What was done, and why; the reason is empty where none was asked for."""
    message = entry.get_change_message()
    done, is_apart, reason = message.partition(REASON)
    if is_apart:
        return done, reason
    done, is_given, reason = message.partition(REASON_BEFORE)
    return (f"{done}.", reason) if is_given else (done, "")


def _content_type(model: Model | type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model, for_concrete_model=False)


def suspensions_of(row: Any) -> list[str]:
    """A sentence about each suspension that `row` is under."""
    return [
        f"The {owner._meta.verbose_name} {owner} is suspended since {since:%Y-%m-%d %H:%M} UTC."
        for owner, since in _suspended(row)
    ]


def with_suspensions(row: Any, state: SafeString | str = "") -> SafeString:
    """A badge for each suspension that `row` is under, before the badge of its own state."""
    badges = [
        badge("suspended" if owner == row else f"{owner._meta.verbose_name} suspended", "bad")
        for owner, _ in _suspended(row)
    ]
    return format_html_join(" ", "{}", [(one,) for one in (*badges, state) if one])


def _suspended(row: Any) -> list[tuple[Owner, datetime]]:
    """`row` itself, its project and its organization, those of them that are suspended."""
    project = row if isinstance(row, Project) else project_of(row)
    owners: Iterable[Owner] = [project.organization, project] if project else []
    if isinstance(row, Organization):
        owners = [row]
    return [(owner, owner.suspended_at) for owner in owners if owner.suspended_at is not None]


SOON, LATELY = timedelta(days=14), timedelta(days=1)


def state_of_credential(credential: Credential, now: datetime) -> SafeString:
    """A row with `replaced_at` says too that it was replaced, and whether it is still used."""
    if not row_is_live(now, revoked_at=credential.revoked_at, expires_at=credential.expires_at):
        return badge("revoked", "bad") if credential.revoked_at else badge("expired")
    own: SafeString | str = ""
    if replaced_at := getattr(credential, "replaced_at", None):
        used_at = credential.last_used_at
        is_used = used_at is not None and used_at > max(replaced_at, now - LATELY)
        own = badge("replaced, still used", "warning") if is_used else badge("replaced")
    elif credential.expires_at and credential.expires_at <= now + SOON:
        own = badge("expires soon", "warning")
    return with_suspensions(credential, own) or badge("live", "good")


def about_to_expire(now: datetime) -> Q:
    """The condition that a credential expires soon, or did in the last day, and is not revoked.

    A replaced one needs nobody, unless it was used since, and in the last day.
    """
    successors = Credential.objects.filter(replaces=OuterRef("pk"))
    still_used = Q(last_used_at__gt=now - LATELY) & Exists(
        successors.filter(created_at__lt=OuterRef("last_used_at"))
    )
    ends = Q(revoked_at__isnull=True, expires_at__gte=now - LATELY, expires_at__lte=now + SOON)
    return ends & (~Exists(successors) | still_used)


# How a session ended; the outcome itself where that says it.
OUTCOME_WORDS: Final[Mapping[str, str]] = {
    Outcome.MAX_DURATION: "completed at the time limit",
    Outcome.EXPIRED: "never connected",
    Outcome.ABANDONED: "client went silent",
    Outcome.SUSPENDED: "cancelled by a suspension",
}
SESSION_TONES: Final[Mapping[str, Tone]] = {Status.COMPLETED: "good", Status.FAILED: "bad"}


def outcome_words(outcome: str) -> str:
    return OUTCOME_WORDS.get(outcome, outcome)


def state_of_session(session: DetectionSession) -> SafeString:
    """The status, and the outcome where that says more. A session without repetitions warns."""
    outcome = session.terminal_outcome or session.status
    words = outcome_words(outcome)
    api_word = outcome if outcome == session.status else f"{session.status}: {outcome}"
    if session.status == Status.COMPLETED and not session.repetitions:
        return badge(f"{words}, 0 repetitions", "warning", api_word)
    return badge(words, SESSION_TONES.get(session.status, "quiet"), api_word)


# How long an endpoint that failures disabled still needs attention.
SHOWN_AFTER_FAILURES: Final = timedelta(days=7)
ENDPOINT_STATES: Final[Mapping[str | None, tuple[str, Tone]]] = {
    DisabledReason.CLIENT: ("off, by its customer", "quiet"),
    DisabledReason.STAFF: ("off, by staff", "warning"),
    DisabledReason.GONE: ("off, answered 410", "bad"),
}
DELIVERY_TONES: Final[Mapping[str, Tone]] = {
    DeliveryStatus.DELIVERED: "good",
    DeliveryStatus.FAILED: "bad",
    DeliveryStatus.HELD: "warning",
}


def needs_attention(now: datetime) -> Q:
    """The endpoints whose every try fails, and those that failures disabled of late."""
    by_itself = (DisabledReason.FAILING, DisabledReason.GONE)
    return Q(disabled_at__isnull=True, failing_since__isnull=False) | Q(
        disabled_reason__in=by_itself, disabled_at__gte=now - SHOWN_AFTER_FAILURES
    )


def state_of_endpoint(endpoint: WebhookEndpoint) -> SafeString:
    if endpoint.disabled_reason is None:
        return badge("failing", "warning") if endpoint.failing_since else badge("on", "good")
    return badge(*ENDPOINT_STATES.get(endpoint.disabled_reason, ("off, after failures", "bad")))


def state_of_delivery(delivery: WebhookDelivery) -> SafeString:
    if delivery.status == DeliveryStatus.WAITING and delivery.tries:
        return badge(f"{delivery.status}, tried", "warning")
    return badge(delivery.status, DELIVERY_TONES.get(delivery.status, "quiet"))
