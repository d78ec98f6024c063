"""Every path. `/api/` has no version and no trailing slash."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from kynaplatform.api.docs import DocsView, MoveSpecSchemaView, OpenApiView
from kynaplatform.api.health import HealthView, MetricsView, ReadinessView

urlpatterns = [
    # First what is asked for most.
    path("", include("sessions_app.urls")),
    path("", include("projects.urls")),
    path("", include("movespecs.urls")),
    path("api/schema", OpenApiView.as_view(), name="openapi"),
    path("api/schema/movespec", MoveSpecSchemaView.as_view(), name="movespec-schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    path("healthz", HealthView.as_view(), name="healthz"),
    path("readyz", ReadinessView.as_view(), name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("guides.urls")),
]
if settings.TRY_PAGE:
    urlpatterns.append(path("", include("tryout.urls")))

handler400 = "kynaplatform.api.errors.answer_bad_request"
handler403 = "kynaplatform.api.errors.answer_forbidden"
handler404 = "kynaplatform.api.errors.answer_unknown_path"
handler500 = "kynaplatform.api.errors.answer_failure"
