"""Webhooks: create, change, delete, their secrets and their deliveries."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from django.db import transaction

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import Access, Operation, Principal, Result, Rows
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from webhooks.endpoints import (
    TooManyWebhooks,
    delivery_redeliver,
    delivery_test,
    endpoint_change,
    endpoint_create,
    endpoint_delete,
    endpoint_lock,
    endpoint_rotate_secret,
    endpoints_of,
    replay_begin,
)
from webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from webhooks.schemas import (
    EXAMPLE_URL,
    DeliveryAnswer,
    DeliveryQuery,
    ReplayAnswer,
    ReplayBegin,
    WebhookAnswer,
    WebhookCreate,
    WebhookEdit,
    WebhookWithSecret,
    delivery_response,
    secret_response,
    webhook_response,
)

READ, WRITE = "webhooks:read", "webhooks:write"


def own_webhook(principal: Principal, webhook_id: UUID) -> WebhookEndpoint | None:
    return endpoints_of(principal.project_id).filter(id=webhook_id).first()


def own_delivery(
    principal: Principal, delivery_id: UUID, webhook: WebhookEndpoint
) -> WebhookDelivery | None:
    return WebhookDelivery.objects.filter(id=delivery_id, endpoint_id=webhook.id).first()


OWN_WEBHOOK = Rows("webhook", own_webhook)
OWN_DELIVERY = Rows("webhook_delivery", own_delivery)


class WebhookViewSet(ApiViewSet):
    """Webhooks of the caller's project."""

    tag, resource = "Webhooks", "webhook"
    access = {
        "create": Access(WRITE),
        "list": Access(READ),
        "retrieve": Access(READ, OWN_WEBHOOK),
        "partial_update": Access(WRITE, OWN_WEBHOOK),
        "destroy": Access(WRITE, OWN_WEBHOOK),
        "rotate_secret": Access(WRITE, OWN_WEBHOOK),
        "test": Access(WRITE, OWN_WEBHOOK),
        "replay": Access(WRITE, OWN_WEBHOOK),
    }

    @Operation(
        summary="Create a webhook",
        example={"url": EXAMPLE_URL, "event_types": ["session.completed", "session.failed"]},
        returns=WebhookWithSecret,
        status=201,
        errors=(TooManyWebhooks,),
    )
    def create(self, request: ApiRequest, body: WebhookCreate) -> WebhookWithSecret:
        """From now on the project's messages are sent to `url`, signed with `secret`.

        The secret is shown in this answer only. A project has at most 16 webhooks.
        """
        endpoint, secret = endpoint_create(
            project_id=request.principal.project_id,
            url=body.url,
            event_types=_distinct(body.event_types),
            description=body.description,
            now=clock.now(),
        )
        return secret_response(endpoint, secret)

    @Operation(summary="List webhooks", returns=list[WebhookAnswer])
    def list(self, request: ApiRequest, query: PageQuery) -> Result:
        """The project's webhooks, newest first, without their secrets."""
        mine = endpoints_of(request.principal.project_id)
        return paginate(request._request, mine, query, webhook_response)

    @Operation(summary="Read a webhook", returns=WebhookAnswer, errors=(errors.NotFound,))
    def retrieve(self, request: ApiRequest, webhook: WebhookEndpoint) -> WebhookAnswer:
        """One webhook, without its secret."""
        return webhook_response(webhook)

    @Operation(
        summary="Change a webhook",
        example={"enabled": True},
        returns=WebhookAnswer,
        errors=(errors.NotFound, errors.Conflict),
    )
    def partial_update(
        self, request: ApiRequest, webhook: WebhookEndpoint, body: WebhookEdit
    ) -> WebhookAnswer:
        """Change its address, types or description; disable it, or enable it again.

        While it is disabled nothing is written for it. What waits is held until it is replayed, for
        30 days. You can't enable one that the platform's staff have disabled.
        """
        changes = msgspec.to_builtins(body)
        enabled = changes.pop("enabled", None)
        if "event_types" in changes:
            changes["event_types"] = _distinct(changes["event_types"])
        now = clock.now()
        with transaction.atomic():
            locked = endpoint_lock(webhook.id)
            endpoint_change(endpoint=locked, changes=changes, enabled=enabled, now=now)
        return webhook_response(locked)

    @Operation(summary="Delete a webhook", returns=None, status=204, errors=(errors.NotFound,))
    def destroy(self, request: ApiRequest, webhook: WebhookEndpoint) -> Result:
        """Nothing more is sent to it. Its deliveries and its secrets are deleted."""
        endpoint_delete(endpoint=webhook, now=clock.now())
        return Result(None)

    @Operation(
        summary="Rotate a webhook's secret",
        returns=WebhookWithSecret,
        errors=(errors.NotFound,),
    )
    def rotate_secret(self, request: ApiRequest, webhook: WebhookEndpoint) -> WebhookWithSecret:
        """A new secret, shown in this answer only. The one before signs as well for 24 hours."""
        changed, secret = endpoint_rotate_secret(endpoint_id=webhook.id, now=clock.now())
        return secret_response(changed, secret)

    @Operation(
        summary="Send a test to a webhook",
        returns=DeliveryAnswer,
        status=201,
        errors=(errors.NotFound, errors.Conflict),
    )
    def test(self, request: ApiRequest, webhook: WebhookEndpoint) -> DeliveryAnswer:
        """A message `webhook.test`, which is sent within a moment. The list of deliveries has what
        became of it."""
        return delivery_response(delivery_test(endpoint=webhook, now=clock.now()))

    @Operation(
        summary="Replay a webhook's messages",
        example={"since": "2026-11-28T00:00:00Z"},
        returns=ReplayAnswer,
        status=202,
        errors=(errors.NotFound, errors.Conflict),
    )
    def replay(
        self, request: ApiRequest, webhook: WebhookEndpoint, body: ReplayBegin
    ) -> ReplayAnswer:
        """Send again what was not delivered since then: what failed, and what was held.

        The worker does it, about a hundred messages a second. They keep their `webhook-id`. What
        was told of a session that is deleted by now is left out.
        """
        return ReplayAnswer(replay_begin(endpoint=webhook, since=body.since, now=clock.now()))


class WebhookDeliveryViewSet(ApiViewSet):
    tag, resource = "Webhooks", "webhook_delivery"
    access = {
        "list": Access(READ, OWN_WEBHOOK),
        "redeliver": Access(WRITE, OWN_WEBHOOK, OWN_DELIVERY),
    }

    @Operation(
        summary="List a webhook's deliveries",
        returns=list[DeliveryAnswer],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, webhook: WebhookEndpoint, query: DeliveryQuery) -> Result:
        """Its messages of the last 30 days, newest first, with what was sent and answered."""
        rows = WebhookDelivery.objects.filter(endpoint_id=webhook.id)
        statuses = DeliveryStatus if query.status is msgspec.UNSET else [query.status]
        parts = [rows.filter(status=status) for status in statuses]
        return paginate(request._request, parts, query, delivery_response, large="body")

    @Operation(
        summary="Send a delivery again",
        returns=DeliveryAnswer,
        errors=(errors.NotFound, errors.Conflict),
    )
    def redeliver(
        self, request: ApiRequest, webhook: WebhookEndpoint, delivery: WebhookDelivery
    ) -> DeliveryAnswer:
        """Send the message now, delivered or not, with the same `webhook-id` and ten tries anew.

        One that told of a session that is deleted by now can't be sent: a 409.
        """
        delivery_redeliver(endpoint=webhook, delivery_id=delivery.id, now=clock.now())
        return delivery_response(
            errors.get_or_404(WebhookDelivery, delivery.id, "webhook_delivery")
        )


def _distinct(types: Iterable[str] | None) -> "list[str] | None":
    return None if types is None else [*dict.fromkeys(types)]
