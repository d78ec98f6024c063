from django.urls import path

from webhooks.views import WebhookDeliveryViewSet, WebhookViewSet

ALL = "api/webhooks"
ONE = f"{ALL}/<webhook_id>"
DELIVERIES = f"{ONE}/deliveries"

urlpatterns = [
    path(ALL, WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path(
        ONE,
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path(
        f"{ONE}/rotate-secret",
        WebhookViewSet.as_view({"post": "rotate_secret"}),
        name="webhook-rotate-secret",
    ),
    path(f"{ONE}/test", WebhookViewSet.as_view({"post": "test"}), name="webhook-test"),
    path(f"{ONE}/replay", WebhookViewSet.as_view({"post": "replay"}), name="webhook-replay"),
    path(DELIVERIES, WebhookDeliveryViewSet.as_view({"get": "list"}), name="webhook-deliveries"),
    path(
        f"{DELIVERIES}/<delivery_id>/redeliver",
        WebhookDeliveryViewSet.as_view({"post": "redeliver"}),
        name="webhook-redeliver",
    ),
]
