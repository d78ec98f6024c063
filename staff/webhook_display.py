"""What is shown of webhooks and their messages, without what may be a secret.

Customers put tokens into addresses: into the query, and into the path as chat programs do. A
receiver's answer may repeat them, or the secret that signs.
"""

import re
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from staff.display import Tone, badge
from webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)

# The columns that no page reads, and those that are large, which no list does.
SECRETS: Final = ("encrypted_secret", "encrypted_previous_secret")
LARGE: Final = ("data", "body", "response_body")
HIDDEN: Final = "…"
# A part of a path that is so long is cut to its first characters.
LONG_PART, KEPT_OF_IT = 20, 4
WORDS = re.compile(r"[^._]+[._]?")
SIGNING_SECRET = re.compile(r"whsec_[\w+/=-]*")
HELP: Final = (
    "Hidden, since they may be secrets: a user and a query in the address, and all but the first "
    f"{KEPT_OF_IT} characters of each part of its path that has {LONG_PART} or more."
)
# So long one that was disabled after failures is among what needs attention.
SHOWN_AFTER_FAILURES: Final = timedelta(days=7)
TONES: dict[str, Tone] = {
    DeliveryStatus.DELIVERED: "good",
    DeliveryStatus.FAILED: "bad",
    DeliveryStatus.HELD: "warning",
}


def shown_url(url: str) -> str:
    parts = urlsplit(url)
    path = "/".join(map(_cut, parts.path.split("/")))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}{f'?{HIDDEN}' if parts.query else ''}"


def without_secrets(text: str, url: str) -> str:
    """`text` with what `shown_url` hides hidden wherever it is repeated."""
    for hidden in sorted(_hidden(url), key=len, reverse=True):
        text = text.replace(hidden, HIDDEN)
    return SIGNING_SECRET.sub(f"whsec_{HIDDEN}", text)


def _cut(part: str) -> str:
    return part if len(part) < LONG_PART else f"{part[:KEPT_OF_IT]}{HIDDEN}"


def _hidden(url: str) -> set[str]:
    parts = urlsplit(url)
    values = {value for pair in parts.query.split("&") for value in pair.split("=")[1:]}
    long = {part for part in parts.path.split("/") if _cut(part) != part}
    user, _, _host = parts.netloc.rpartition("@")
    # One so short as a number would be hidden all over an answer, and is no secret.
    return {parts.query, user, *long, *(value for value in values if len(value) > 3)} - {""}


def with_last_deliveries(endpoints: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookEndpoint]:
    """`endpoints` with what waits for longest, and when the newest that was delivered was."""
    own = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"))
    waiting = own.filter(status=DeliveryStatus.WAITING).order_by("created_at")
    delivered = own.filter(status=DeliveryStatus.DELIVERED).order_by("-created_at")
    return endpoints.annotate(
        waiting_since=Subquery(waiting.values("created_at")[:1]),
        last_delivered_at=Subquery(delivered.values("tried_at")[:1]),
    )


def type_shown(type_: str) -> SafeString:
    """The type of a message, whose lines break between its words."""
    return format_html_join("", "{}<wbr>", ((part,) for part in WORDS.findall(type_)))


def needs_attention(now: datetime) -> Q:
    """The endpoints that every try fails at, and those that were disabled for it of late."""
    by_itself = (DisabledReason.FAILING, DisabledReason.GONE)
    return Q(disabled_at__isnull=True, failing_since__isnull=False) | Q(
        disabled_reason__in=by_itself, disabled_at__gte=now - SHOWN_AFTER_FAILURES
    )


def state_of_endpoint(endpoint: WebhookEndpoint) -> SafeString:
    match endpoint.disabled_reason:
        case None:
            return badge("failing", "warning") if endpoint.failing_since else badge("on", "good")
        case DisabledReason.CLIENT:
            return badge("off, by its customer")
        case DisabledReason.STAFF:
            return badge("off, by staff", "warning")
        case DisabledReason.GONE:
            return badge("off, answered 410", "bad")
        case _:
            return badge("off, after failures", "bad")


def state_of_delivery(delivery: WebhookDelivery) -> SafeString:
    if delivery.status == DeliveryStatus.WAITING and delivery.tries:
        return badge(f"{delivery.status}, tried", "warning")
    return badge(delivery.status, TONES.get(delivery.status, "quiet"))


def is_being_sent(delivery: WebhookDelivery, now: datetime) -> bool:
    return delivery.claim_id is not None and delivery.due_at >= now
