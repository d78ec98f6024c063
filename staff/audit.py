"""The history of every page together: who did what, when, and why."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from staff.lists import ReadOnlyAdmin


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ["action_time", "user", "content_type", "object_repr", "get_change_message"]
    list_filter = ["action_time", "action_flag", "content_type"]
    list_select_related = ["user", "content_type"]
    search_fields = ["=object_id", "object_repr", "=user__username"]
    fields = ["action_time", "user", "content_type", "object_id", "object_repr", "what_was_done"]

    @admin.display(description="what was done")
    def what_was_done(self, entry: LogEntry) -> str:
        return entry.get_change_message()
