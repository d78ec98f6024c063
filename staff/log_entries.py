"""The log of all that staff did: who did what, when, and why."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ACTION_FLAG_CHOICES, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst

from staff.base import ReadOnlyAdmin
from staff.display import moment_of, short_ids, shortened
from staff.history import told
from staff.log_search import HELP, log_searched
from staff.query_parameters import StrictChangeList, StrictFilter

NAME = "Who did what"
MAX_LIST_ITEM_CHARACTERS = 160


class KindFilter(StrictFilter):
    title = "what"
    parameter_name = "what"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        kinds = [model for model in admin.site._registry if model is not LogEntry]
        types = ContentType.objects.get_for_models(*kinds, for_concrete_models=False)
        found = {
            kind._meta.label_lower: (
                str(capfirst(kind._meta.verbose_name)),
                Q(content_type=of_kind),
            )
            for kind, of_kind in types.items()
        }
        return dict(sorted(found.items(), key=lambda one: one[1][0].lower()))


class DoneFilter(StrictFilter):
    title = "done"
    parameter_name = "done"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        choices = ACTION_FLAG_CHOICES
        return {str(flag): (str(label), Q(action_flag=flag)) for flag, label in choices}


def link_subjects(entries: Iterable[Any], request: HttpRequest) -> None:
    """Set the address of what each entry is about; None if it is gone, or not for this user."""
    by_kind: dict[type[Model], list[Any]] = defaultdict(list)
    for entry in entries:
        entry.address = None
        model = entry.content_type and entry.content_type.model_class()
        if model in admin.site._registry:
            by_kind[model].append(entry)
    for model, about in by_kind.items():
        if not admin.site.get_model_admin(model).has_view_permission(request):
            continue
        keys = {_key(model, entry.object_id) for entry in about} - {None}
        there = set(model._default_manager.filter(pk__in=keys).values_list("pk", flat=True))
        for entry in about:
            if _key(model, entry.object_id) in there:
                entry.address = entry.get_admin_url()


def _key(model: type[Model], text: str | None) -> Any:
    try:
        return model._meta.pk.to_python(text)
    except ValidationError:
        return None


def _done(entry: LogEntry) -> str:
    return told(entry)[0]


class LogChangeList(StrictChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        link_subjects(self.result_list, request)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    has_history = False
    changelist_class = LogChangeList
    list_display = [moment_of("action_time", "when"), "who", "what", "shortly", "why"]
    list_filter = ["action_time", KindFilter, DoneFilter]
    list_select_related = ["user", "content_type"]
    # Django shows its search box for these; `log_searched` does the search.
    search_fields = ["=object_id", "object_repr", "=user__username"]
    fields = ["at", "who", "what", "object_id", "done", "why"]
    readonly_fields = ["at", "who", "what", "done", "why"]

    @admin.display(description="when")
    def at(self, entry: LogEntry) -> str:
        return date_format(entry.action_time, "DATETIME_FORMAT")

    @admin.display(description="who", ordering="user__username")
    def who(self, entry: LogEntry) -> str:
        return entry.user.get_username()

    @admin.display(description="what")
    def what(self, entry: Any) -> SafeString:
        """The subject of the entry, as a link if that is there and the user may view it."""
        kind = entry.content_type.name if entry.content_type else ""
        # A download looks up no address.
        address = getattr(entry, "address", None)
        link = '<a href="{2}">{1}</a>' if address else "{1}"
        return format_html(
            f'<span class="quiet">{{0}}</span> {link}', kind, short_ids(entry.object_repr), address
        )

    @admin.display(description="done")
    def done(self, entry: LogEntry) -> SafeString:
        return short_ids(_done(entry))

    @admin.display(description="done")
    def shortly(self, entry: LogEntry) -> SafeString:
        """The deed, cut: its names may be long. The whole is its title."""
        done = _done(entry)
        cut = Truncator(shortened(done)).chars(MAX_LIST_ITEM_CHARACTERS)
        return format_html('<span title="{}">{}</span>', done, cut)

    shortly.plain = _done  # type: ignore[attr-defined]

    @admin.display(description="why", empty_value="-")
    def why(self, entry: LogEntry) -> str | None:
        """The reason, never cut."""
        return told(entry)[1] or None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return log_searched(queryset, search_term), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        if entry := super().get_object(request, object_id, from_field):
            link_subjects([entry], request)
        return entry

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        named = {"title": NAME, "list_name": NAME, "search_help": HELP}
        return {**super().list_context(request), **named}

    def page_context(self, request: HttpRequest, entry: LogEntry) -> dict[str, Any]:
        named = {"title": "What was done", "list_name": NAME}
        return {**super().page_context(request, entry), **named}
