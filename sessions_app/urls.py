from django.urls import path

from sessions_app.views import (
    ExportViewSet,
    SessionEventViewSet,
    SessionMovementView,
    SessionViewSet,
    SubjectViewSet,
)

ALL = "api/detection/sessions"
ONE = f"{ALL}/<session_id>"

urlpatterns = [
    path(ALL, SessionViewSet.as_view({"get": "list", "post": "create"}), name="sessions"),
    path(ONE, SessionViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="session"),
    path(f"{ONE}/events", SessionEventViewSet.as_view({"get": "list"}), name="session-events"),
    path(f"{ONE}/movement", SessionMovementView.as_view(), name="session-movement"),
    path(f"{ONE}/finalize", SessionViewSet.as_view({"post": "finalize"}), name="session-finalize"),
    path(f"{ONE}/cancel", SessionViewSet.as_view({"post": "cancel"}), name="session-cancel"),
    path("api/export", ExportViewSet.as_view({"get": "export"}), name="export"),
    path(
        "api/subjects/summary",
        SubjectViewSet.as_view({"get": "summarize"}),
        name="subject-summary",
    ),
]
