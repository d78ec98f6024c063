"""Detection sessions for staff: find one and see where it is."""

from django.contrib import admin

from sessions_app.models import DetectionSession
from staff.lists import ReadOnlyAdmin


@admin.register(DetectionSession)
class DetectionSessionAdmin(ReadOnlyAdmin):
    list_display = [
        "id", "project", "mode", "status", "terminal_outcome", "accepted_frames_total",
        "created_at", "ended_at",
    ]  # fmt: skip
    list_filter = ["status", "mode", "created_at"]
    list_select_related = ["project"]
    search_fields = ["=id", "=project__id", "=resolved_version__id"]
    fields = [
        "id", "project", "resolved_version", "mode", "contract_major", "status",
        "terminal_outcome", "finishing_outcome", "error_code", "error_message",
        "accepted_frames_total", "checkpoint_number", "created_at", "started_at", "deadline_at",
        "longest_until", "lease_until", "ended_at", "stream_url",
    ]  # fmt: skip
