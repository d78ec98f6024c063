from django.urls import path

from projects.views import AccessTokenViewSet, JsonWebKeySetView

urlpatterns = [
    path(
        "api/auth/access-tokens",
        AccessTokenViewSet.as_view({"get": "list", "post": "create"}),
        name="access-tokens",
    ),
    path(
        "api/auth/access-tokens/<token_id>",
        AccessTokenViewSet.as_view({"get": "retrieve"}),
        name="access-token",
    ),
    path(
        "api/auth/access-tokens/<token_id>/revoke",
        AccessTokenViewSet.as_view({"post": "revoke"}),
        name="access-token-revoke",
    ),
    path(".well-known/jwks.json", JsonWebKeySetView.as_view(), name="jwks"),
]
