from typing import Any

from django.urls import path

from kynaplatform.api.views import ApiViewSet
from movespecs.views import DraftViewSet, MoveSpecViewSet, VersionViewSet

ONE = "api/movespecs/<movespec_id>"
VERSION = f"{ONE}/versions/<version_id>"

# Route, view, what each method does, name.
ROUTES: tuple[tuple[str, type[ApiViewSet], dict[str, Any], str], ...] = (
    ("api/movespecs", MoveSpecViewSet, {"get": "list", "post": "create"}, "movespecs"),
    (ONE, MoveSpecViewSet, {"get": "retrieve", "patch": "partial_update"}, "movespec"),
    (f"{ONE}/archive", MoveSpecViewSet, {"post": "archive"}, "movespec-archive"),
    (f"{ONE}/fork", MoveSpecViewSet, {"post": "fork"}, "movespec-fork"),
    (f"{ONE}/draft", DraftViewSet, {"get": "retrieve", "put": "update"}, "movespec-draft"),
    (f"{ONE}/draft/validate", DraftViewSet, {"post": "validate"}, "movespec-draft-validate"),
    (f"{ONE}/versions", VersionViewSet, {"get": "list", "post": "create"}, "movespec-versions"),
    (VERSION, VersionViewSet, {"get": "retrieve"}, "movespec-version"),
    (f"{VERSION}/validate", VersionViewSet, {"post": "validate"}, "movespec-version-validate"),
    (f"{VERSION}/release", VersionViewSet, {"post": "release"}, "movespec-version-release"),
)
urlpatterns = [path(route, view.as_view(does), name=name) for route, view, does, name in ROUTES]
