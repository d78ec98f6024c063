"""Every path. `/api/` has no version and no trailing slash."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from erasure.views import SubjectErasureViewSet
from kynaplatform.api.platform_views import (
    HealthView,
    MetricsView,
    MoveSpecSchemaView,
    OpenApiView,
    ReadinessView,
)
from kynaplatform.reference.views import DocumentView, OperationView, OverviewView
from tryout.views import SessionPageView
from usage.views import UsageViewSet

urlpatterns = [
    # First what is asked for most.
    path("", include("sessions_app.urls")),
    path("", include("projects.urls")),
    path("", include("movespecs.urls")),
    path("", include("webhooks.urls")),
    path("api/usage", UsageViewSet.as_view({"get": "retrieve"}), name="usage"),
    path(
        "api/usage/projects/<project_id>",
        UsageViewSet.as_view({"get": "of_project"}),
        name="usage-of-project",
    ),
    path(
        "api/subjects/erase", SubjectErasureViewSet.as_view({"post": "erase"}), name="subject-erase"
    ),
    path("api/schema", OpenApiView.as_view(), name="openapi"),
    path("api/schema/movespec", MoveSpecSchemaView.as_view(), name="movespec-schema"),
    path("api/docs", OverviewView.as_view(), name="docs"),
    path("api/docs/openapi.json", DocumentView.as_view(), {"form": "json"}, name="docs-json"),
    path("api/docs/openapi.yaml", DocumentView.as_view(), {"form": "yaml"}, name="docs-yaml"),
    path("api/docs/<slug:name>", OperationView.as_view(), name="docs-operation"),
    path("healthz", HealthView.as_view(), name="healthz"),
    path("readyz", ReadinessView.as_view(), name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("admin/", admin.site.urls),
    path("session/<project_id>", SessionPageView.as_view(), name="session-page"),
    path("", include("guides.urls")),
]
if settings.TRY_PAGE:
    urlpatterns.append(path("", include("tryout.urls")))

handler400 = "kynaplatform.api.error_answers.answer_bad_request"
handler403 = "kynaplatform.api.error_answers.answer_forbidden"
handler404 = "kynaplatform.api.error_answers.answer_unknown_path"
handler500 = "kynaplatform.api.error_answers.answer_failure"
