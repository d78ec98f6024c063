from django.urls import path

from webhooks.views import WebhookDeliveryViewSet, WebhookViewSet

urlpatterns = [
    path(
        "api/webhooks", WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"
    ),
    path(
        "api/webhooks/<webhook_id>",
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path(
        "api/webhooks/<webhook_id>/rotate-secret",
        WebhookViewSet.as_view({"post": "rotate_secret"}),
        name="webhook-rotate-secret",
    ),
    path(
        "api/webhooks/<webhook_id>/test",
        WebhookViewSet.as_view({"post": "test"}),
        name="webhook-test",
    ),
    path(
        "api/webhooks/<webhook_id>/replay",
        WebhookViewSet.as_view({"post": "replay"}),
        name="webhook-replay",
    ),
    path(
        "api/webhooks/<webhook_id>/deliveries",
        WebhookDeliveryViewSet.as_view({"get": "list"}),
        name="webhook-deliveries",
    ),
    path(
        "api/webhooks/<webhook_id>/deliveries/<delivery_id>/redeliver",
        WebhookDeliveryViewSet.as_view({"post": "redeliver"}),
        name="webhook-redeliver",
    ),
]
