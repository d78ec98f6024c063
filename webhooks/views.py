"""Webhooks: create, change, delete, their secrets and their deliveries."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import msgspec
from django.db import transaction

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import Operation, Result
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from webhooks.addresses import fault_of_url
from webhooks.endpoints import (
    TooManyWebhooks,
    endpoint_change,
    endpoint_create,
    endpoint_delete,
    endpoint_rotate_secret,
    endpoints_of,
)
from webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from webhooks.replays import delivery_redeliver, delivery_test, replay_begin
from webhooks.wire import (
    EXAMPLE_URL,
    DeliveryAnswer,
    DeliveryQuery,
    ReplayAnswer,
    ReplayBegin,
    WebhookAnswer,
    WebhookCreate,
    WebhookEdit,
    WebhookWithSecret,
    present_delivery,
    present_webhook,
    present_with_secret,
)

READ, WRITE = "webhooks:read", "webhooks:write"
WebhookId = Annotated[UUID, "webhook"]
DeliveryId = Annotated[UUID, "webhook_delivery"]


class WebhookViewSet(ApiViewSet):
    """Webhooks of the caller's project."""

    tag, resource = "Webhooks", "webhook"

    @Operation(
        summary="Create a webhook",
        scope=WRITE,
        example={"url": EXAMPLE_URL, "event_types": ["session.completed", "session.failed"]},
        returns=WebhookWithSecret,
        status=201,
        errors=(TooManyWebhooks,),
    )
    def create(self, request: ApiRequest, body: WebhookCreate) -> WebhookWithSecret:
        """From now on the project's messages are sent to `url`, signed with `secret`.

        The secret is shown in this answer only. A project has at most 16 webhooks.
        """
        _require_url(body.url)
        endpoint, secret = endpoint_create(
            project_id=request.principal.project_id,
            url=body.url,
            event_types=_distinct(body.event_types),
            description=body.description,
            now=clock.now(),
        )
        return present_with_secret(endpoint, secret)

    @Operation(summary="List webhooks", scope=READ, returns=list[WebhookAnswer])
    def list(self, request: ApiRequest, query: PageQuery) -> Result:
        """The project's webhooks, newest first, without their secrets."""
        mine = endpoints_of(request.principal.project_id)
        return paginate(request._request, mine, query, present_webhook)

    @Operation(
        summary="Read a webhook", scope=READ, returns=WebhookAnswer, errors=(errors.NotFound,)
    )
    def retrieve(self, request: ApiRequest, webhook_id: WebhookId) -> WebhookAnswer:
        """One webhook, without its secret."""
        return present_webhook(_mine(request, webhook_id))

    @Operation(
        summary="Change a webhook",
        scope=WRITE,
        example={"enabled": True},
        returns=WebhookAnswer,
        errors=(errors.NotFound, errors.Conflict),
    )
    def partial_update(
        self, request: ApiRequest, webhook_id: WebhookId, body: WebhookEdit
    ) -> WebhookAnswer:
        """Change its address, types or description; disable it, or enable it again.

        While it is disabled nothing is written for it. What waits is held until it is replayed, for
        30 days. You can't enable one that the platform's staff have disabled.
        """
        changes = msgspec.to_builtins(body)
        enabled = changes.pop("enabled", None)
        if "url" in changes:
            _require_url(changes["url"])
        if "event_types" in changes:
            changes["event_types"] = _distinct(changes["event_types"])
        now = clock.now()
        with transaction.atomic():
            endpoint = _mine(request, webhook_id, is_locked=True)
            endpoint_change(endpoint=endpoint, changes=changes, enabled=enabled, now=now)
        return present_webhook(endpoint)

    @Operation(
        summary="Delete a webhook", scope=WRITE, returns=None, status=204, errors=(errors.NotFound,)
    )
    def destroy(self, request: ApiRequest, webhook_id: WebhookId) -> Result:
        """Nothing more is sent to it. Its deliveries and its secrets are deleted."""
        endpoint_delete(endpoint=_mine(request, webhook_id), now=clock.now())
        return Result(None)

    @Operation(
        summary="Rotate a webhook's secret",
        scope=WRITE,
        returns=WebhookWithSecret,
        errors=(errors.NotFound,),
    )
    def rotate_secret(self, request: ApiRequest, webhook_id: WebhookId) -> WebhookWithSecret:
        """A new secret, shown in this answer only. The one before signs as well for 24 hours."""
        endpoint = _mine(request, webhook_id)
        changed, secret = endpoint_rotate_secret(endpoint_id=endpoint.id, now=clock.now())
        return present_with_secret(changed, secret)

    @Operation(
        summary="Send a test to a webhook",
        scope=WRITE,
        returns=DeliveryAnswer,
        status=201,
        errors=(errors.NotFound, errors.Conflict),
    )
    def test(self, request: ApiRequest, webhook_id: WebhookId) -> DeliveryAnswer:
        """A message `webhook.test`, which is sent within a moment. The list of deliveries has what
        became of it."""
        return present_delivery(delivery_test(endpoint=_mine(request, webhook_id), now=clock.now()))

    @Operation(
        summary="Replay a webhook's messages",
        scope=WRITE,
        example={"since": "2026-11-28T00:00:00Z"},
        returns=ReplayAnswer,
        status=202,
        errors=(errors.NotFound, errors.Conflict),
    )
    def replay(self, request: ApiRequest, webhook_id: WebhookId, body: ReplayBegin) -> ReplayAnswer:
        """Send again what was not delivered since then: what failed, and what was held.

        The worker does it, about a hundred messages a second. They keep their `webhook-id`. What
        was told of a session that is deleted by now is left out.
        """
        return ReplayAnswer(
            replay_begin(endpoint=_mine(request, webhook_id), since=body.since, now=clock.now())
        )


class WebhookDeliveryViewSet(ApiViewSet):
    tag, resource = "Webhooks", "webhook_delivery"

    @Operation(
        summary="List a webhook's deliveries",
        scope=READ,
        returns=list[DeliveryAnswer],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, webhook_id: WebhookId, query: DeliveryQuery) -> Result:
        """Its messages of the last 30 days, newest first, with what was sent and answered."""
        rows = WebhookDelivery.objects.filter(endpoint_id=_mine(request, webhook_id).id)
        statuses = DeliveryStatus if query.status is msgspec.UNSET else [query.status]
        parts = [rows.filter(status=status) for status in statuses]
        return paginate(request._request, parts, query, present_delivery, large="body")

    @Operation(
        summary="Send a delivery again",
        scope=WRITE,
        returns=DeliveryAnswer,
        errors=(errors.NotFound, errors.Conflict),
    )
    def redeliver(
        self, request: ApiRequest, webhook_id: WebhookId, delivery_id: DeliveryId
    ) -> DeliveryAnswer:
        """Send the message now, delivered or not, with the same `webhook-id` and ten tries anew.

        One that told of a session that is deleted by now can't be sent: a 409.
        """
        endpoint = _mine(request, webhook_id)
        one = WebhookDelivery.objects.filter(id=delivery_id, endpoint_id=endpoint.id)
        errors.found(one.first(), "webhook_delivery")
        delivery_redeliver(endpoint=endpoint, delivery_id=delivery_id, now=clock.now())
        return present_delivery(errors.found(one.first(), "webhook_delivery"))


def _mine(request: ApiRequest, webhook_id: UUID, *, is_locked: bool = False) -> WebhookEndpoint:
    mine = endpoints_of(request.principal.project_id)
    if is_locked:
        mine = mine.select_for_update(no_key=True)
    return errors.found(mine.filter(id=webhook_id).first(), "webhook")


def _require_url(url: str) -> None:
    fault = fault_of_url(url)
    if fault is not None:
        raise errors.ValidationFailed({"url": [fault]})


def _distinct(types: Iterable[str] | None) -> "list[str] | None":
    return None if types is None else [*dict.fromkeys(types)]
