from django.urls import path

from movespecs.views import DraftViewSet, MoveSpecViewSet, VersionViewSet

ONE = "api/movespecs/<movespec_id>"
VERSIONS = f"{ONE}/versions"
VERSION = f"{VERSIONS}/<version_id>"

urlpatterns = [
    path(
        "api/movespecs",
        MoveSpecViewSet.as_view({"get": "list", "post": "create"}),
        name="movespecs",
    ),
    path(
        ONE,
        MoveSpecViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="movespec",
    ),
    path(f"{ONE}/archive", MoveSpecViewSet.as_view({"post": "archive"}), name="movespec-archive"),
    path(f"{ONE}/fork", MoveSpecViewSet.as_view({"post": "fork"}), name="movespec-fork"),
    path(
        f"{ONE}/draft",
        DraftViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="movespec-draft",
    ),
    path(
        f"{ONE}/draft/validate",
        DraftViewSet.as_view({"post": "validate"}),
        name="movespec-draft-validate",
    ),
    path(
        VERSIONS,
        VersionViewSet.as_view({"get": "list", "post": "create"}),
        name="movespec-versions",
    ),
    path(VERSION, VersionViewSet.as_view({"get": "retrieve"}), name="movespec-version"),
    path(
        f"{VERSION}/validate",
        VersionViewSet.as_view({"post": "validate"}),
        name="movespec-version-validate",
    ),
    path(
        f"{VERSION}/release",
        VersionViewSet.as_view({"post": "release"}),
        name="movespec-version-release",
    ),
]
