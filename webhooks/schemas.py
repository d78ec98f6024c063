"""The bodies of requests and responses on webhooks."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.pagination import PageQuery
from kynaplatform.api.schemas import STORABLE, Answer, Body, ProjectId, Timestamp, doc, from_row
from sessions_app.schemas import Moment
from webhooks.addresses import NO_CONNECTION, fault_of_url
from webhooks.models import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_URL_CHARACTERS,
    DeliveryStatus,
    DisabledReason,
    MessageType,
    WebhookDelivery,
    WebhookEndpoint,
)

EXAMPLE_URL = "https://app.example/kyna"
# Nobody subscribes to `webhook.test`.
_SUBSCRIBABLE = tuple(type_.value for type_ in MessageType if type_ != MessageType.TEST)
Subscribable = Literal[_SUBSCRIBABLE]  # type: ignore[valid-type]
EventTypes = Annotated[list[Subscribable], msgspec.Meta(min_length=1, max_length=20)]
Url = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_URL_CHARACTERS,
        description="Where messages go: a public address that begins with `https://`.",
        examples=[EXAMPLE_URL],
        extra_json_schema=STORABLE,
    ),
]
Description = Annotated[
    str, msgspec.Meta(max_length=MAX_DESCRIPTION_CHARACTERS, extra_json_schema=STORABLE)
]


class WebhookBody(Body):
    """A body with a `url`, which may be absent."""

    def __post_init__(self) -> None:
        url = getattr(self, "url", UNSET)
        if url is not UNSET and (fault := fault_of_url(url)):
            raise ValidationFailed({"url": [fault]})


class WebhookCreate(WebhookBody):
    url: Url
    event_types: Annotated[
        EventTypes | None,
        doc("The types to send. Left out: every type.", ["session.completed"]),
    ] = None
    description: Annotated[Description | None, doc("A sentence on it.", "Our back end.")] = None


class WebhookEdit(WebhookBody):
    """An edit: what is absent stays as it is."""

    url: Url | UnsetType = UNSET
    event_types: Annotated[
        EventTypes | UnsetType | None, doc("The types to send; null: every type.")
    ] = UNSET
    description: Annotated[
        Description | UnsetType | None, doc("A sentence on it; null clears it.")
    ] = UNSET
    enabled: Annotated[
        bool | UnsetType,
        doc(
            "False: send nothing. True: send again; its five days of failures start over. If "
            "staff have disabled the webhook, true is a 409.",
            True,
        ),
    ] = UNSET


class ReplayBegin(Body):
    since: Annotated[Moment, doc("Replay messages from this time on.", "2026-11-28T00:00:00Z")]


class DeliveryQuery(PageQuery):
    status: Annotated[DeliveryStatus | UnsetType, doc("Only those in this status.", "failed")] = (
        UNSET
    )


WebhookId = Annotated[UUID, doc("The webhook.", "01a22680-bd53-7612-a7c7-96604e356913")]


class WebhookAnswer(Answer):
    webhook_id: WebhookId
    project_id: ProjectId
    url: Annotated[str, doc("Where messages go.", EXAMPLE_URL)]
    event_types: Annotated[
        list[str] | None,
        doc("The types that are sent; null: every type.", ["session.completed"]),
    ]
    description: Annotated[str | None, doc("A sentence on it.", "Our back end.")]
    enabled: Annotated[bool, doc("Whether messages are sent to it.", True)]
    disabled_reason: Annotated[
        DisabledReason | None,
        doc("Who or what disabled it: a client, staff, a 410, or five days of failures.", None),
    ]
    disabled_at: Annotated[Timestamp | None, doc("Since when; null while enabled.", None)]
    failing_since: Annotated[
        Timestamp | None,
        doc("Since when every try has failed; null if none has.", None),
    ]
    previous_secret_until: Annotated[
        Timestamp | None, doc("Until when the previous secret signs as well, or did.", None)
    ]
    created_at: Annotated[Timestamp, doc("When it was created.", "2026-11-29T09:00:00Z")]


class WebhookWithSecret(WebhookAnswer):
    secret: Annotated[
        str,
        doc("The secret that signs. It is not shown again.", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZ…"),
    ]


class DeliveryAnswer(Answer):
    delivery_id: Annotated[
        UUID, doc("The message's `webhook-id`.", "01a22680-c1f0-7aa1-8d3e-5f1c0b9d2e44")
    ]
    webhook_id: WebhookId
    type: Annotated[MessageType, doc("The type of the message.", "session.completed")]
    status: Annotated[
        DeliveryStatus,
        doc(
            "`failed` after the last try; `held` if it waited when the webhook was disabled.",
            "delivered",
        ),
    ]
    session_id: Annotated[
        UUID | None,
        doc("The session that the message is about.", "69e5a962-81e8-405d-b532-91ede04e756a"),
    ]
    sequence: Annotated[int | None, doc("Its position among the messages about its session.", 2)]
    created_at: Annotated[Timestamp, doc("When it was written.", "2026-11-29T09:30:31.480Z")]
    request_id: Annotated[
        str | None,
        doc(
            "The `X-Request-ID` of the request that caused it; null if none did.",
            "9f86d081884c4d659a2feaa0c55ad015",
        ),
    ]
    tries: Annotated[int, doc("The number of tries.", 1)]
    next_try_at: Annotated[Timestamp | None, doc("When it is tried next, if it is.", None)]
    tried_at: Annotated[
        Timestamp | None, doc("When it was last tried.", "2026-11-29T09:30:31.562Z")
    ]
    duration_ms: Annotated[
        int | None, doc("How long that try took; null without a connection.", 41)
    ]
    request_body: Annotated[str | None, doc("The body that was sent.", '{"type": …}')]
    response_status: Annotated[int | None, doc("The status of the response.", 200)]
    response_body: Annotated[str | None, doc("The first KiB of the response.", "ok")]
    failure: Annotated[str | None, doc("Why the last try failed; null if it did not.", None)]


class ReplayAnswer(Answer):
    deliveries: Annotated[int, doc("How many messages will be sent again.", 214)]


def webhook_response(endpoint: WebhookEndpoint) -> WebhookAnswer:
    return from_row(
        WebhookAnswer,
        endpoint,
        webhook_id=endpoint.id,
        enabled=endpoint.disabled_at is None,
    )


def secret_response(endpoint: WebhookEndpoint, secret: str) -> WebhookWithSecret:
    shown = msgspec.structs.asdict(webhook_response(endpoint))
    return WebhookWithSecret(**shown, secret=secret)


def delivery_response(delivery: WebhookDelivery) -> DeliveryAnswer:
    is_waiting = delivery.status == DeliveryStatus.WAITING
    return from_row(
        DeliveryAnswer,
        delivery,
        delivery_id=delivery.id,
        webhook_id=delivery.endpoint_id,
        next_try_at=delivery.due_at if is_waiting else None,
        request_body=delivery.body,
        # Its duration would show which addresses of our network refuse a connection.
        duration_ms=None if delivery.failure == NO_CONNECTION else delivery.duration_ms,
    )
