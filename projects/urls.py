from django.urls import path

from projects.views import AccessTokenViewSet, JsonWebKeySetView

tokens = AccessTokenViewSet.as_view

urlpatterns = [
    path("api/auth/access-tokens", tokens({"get": "list", "post": "create"}), name="access-tokens"),
    path("api/auth/access-tokens/<token_id>", tokens({"get": "retrieve"}), name="access-token"),
    path(
        "api/auth/access-tokens/<token_id>/revoke",
        tokens({"post": "revoke"}),
        name="access-token-revoke",
    ),
    path(".well-known/jwks.json", JsonWebKeySetView.as_view(), name="jwks"),
]
