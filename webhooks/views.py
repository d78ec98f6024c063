"""Webhooks: create, change, delete, their secrets and their deliveries."""

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
        status=201,
        errors=(TooManyWebhooks,),
    )
    def create(self, request: ApiRequest, body: WebhookCreate) -> WebhookWithSecret:
        """From now on the project's messages are sent to `url`, signed with `secret`.

        The secret is shown only in this response. A project has at most 16 webhooks.
        """
        endpoint, secret = endpoint_create(
            project_id=request.principal.project_id,
            url=body.url,
            event_types=body.event_types and [*dict.fromkeys(body.event_types)],
            description=body.description,
            now=clock.now(),
        )
        return secret_response(endpoint, secret)

    @Operation(summary="List webhooks", returns=list[WebhookAnswer])
    def list(self, request: ApiRequest, query: PageQuery) -> Result:
        """The project's webhooks, newest first, without their secrets."""
        mine = endpoints_of(request.principal.project_id)
        return paginate(request._request, mine, query, webhook_response)

    @Operation(summary="Read a webhook")
    def retrieve(self, request: ApiRequest, webhook: WebhookEndpoint) -> WebhookAnswer:
        """One webhook, without its secret."""
        return webhook_response(webhook)

    @Operation(summary="Change a webhook", example={"enabled": True}, errors=(errors.Conflict,))
    def partial_update(
        self, request: ApiRequest, webhook: WebhookEndpoint, body: WebhookEdit
    ) -> WebhookAnswer:
        """Change its address, types or description; disable it, or enable it again.

        Events that occur while a webhook is disabled are never sent. Waiting messages are held for
        30 days and can be replayed. You can't enable a webhook that staff have disabled.
        """
        changes = msgspec.to_builtins(body)
        enabled = changes.pop("enabled", None)
        if changes.get("event_types"):
            changes["event_types"] = [*dict.fromkeys(changes["event_types"])]
        now = clock.now()
        with transaction.atomic():
            locked = endpoint_lock(webhook.id)
            endpoint_change(endpoint=locked, changes=changes, enabled=enabled, now=now)
        return webhook_response(locked)

    @Operation(summary="Delete a webhook", returns=None, status=204)
    def destroy(self, request: ApiRequest, webhook: WebhookEndpoint) -> Result:
        """Nothing more is sent to it. Its deliveries and its secrets are deleted."""
        endpoint_delete(endpoint=webhook, now=clock.now())
        return Result(None)

    @Operation(summary="Rotate a webhook's secret")
    def rotate_secret(self, request: ApiRequest, webhook: WebhookEndpoint) -> WebhookWithSecret:
        """A new secret, shown only in this response. The previous one also signs for 24 hours."""
        changed, secret = endpoint_rotate_secret(endpoint_id=webhook.id, now=clock.now())
        return secret_response(changed, secret)

    @Operation(summary="Send a test to a webhook", status=201, errors=(errors.Conflict,))
    def test(self, request: ApiRequest, webhook: WebhookEndpoint) -> DeliveryAnswer:
        """Queue a `webhook.test`, which is sent at once. See the list of deliveries for its
        outcome."""
        return delivery_response(delivery_test(endpoint=webhook, now=clock.now()))

    @Operation(
        summary="Replay a webhook's messages",
        example={"since": "2026-11-28T00:00:00Z"},
        status=202,
        errors=(errors.Conflict,),
    )
    def replay(
        self, request: ApiRequest, webhook: WebhookEndpoint, body: ReplayBegin
    ) -> ReplayAnswer:
        """Send failed and held messages again, from `since` on.

        A worker sends about a hundred messages a second, with the same `webhook-id`. Messages about
        sessions that were deleted meanwhile are left out.
        """
        return ReplayAnswer(replay_begin(endpoint=webhook, since=body.since, now=clock.now()))


class WebhookDeliveryViewSet(ApiViewSet):
    tag, resource = "Webhooks", "webhook_delivery"
    access = {
        "list": Access(READ, OWN_WEBHOOK),
        "redeliver": Access(WRITE, OWN_WEBHOOK, OWN_DELIVERY),
    }

    @Operation(summary="List a webhook's deliveries", returns=list[DeliveryAnswer])
    def list(self, request: ApiRequest, webhook: WebhookEndpoint, query: DeliveryQuery) -> Result:
        """The messages of the last 30 days, newest first, with request and response."""
        rows = WebhookDelivery.objects.filter(endpoint_id=webhook.id)
        statuses = DeliveryStatus if query.status is msgspec.UNSET else [query.status]
        parts = [rows.filter(status=status) for status in statuses]
        return paginate(request._request, parts, query, delivery_response, large="body")

    @Operation(summary="Send a delivery again", errors=(errors.Conflict,))
    def redeliver(
        self, request: ApiRequest, webhook: WebhookEndpoint, delivery: WebhookDelivery
    ) -> DeliveryAnswer:
        """Send the message now, delivered or not, with the same `webhook-id` and ten new tries.

        A message about a session that was deleted can't be sent again: a 409.
        """
        delivery_redeliver(endpoint=webhook, delivery_id=delivery.id, now=clock.now())
        return delivery_response(
            errors.get_or_404(WebhookDelivery, delivery.id, "webhook_delivery")
        )
