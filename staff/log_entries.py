"""The log of all that staff did: who did what, when, and why."""

from functools import reduce
from heapq import nlargest
from itertools import takewhile
from operator import and_
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import ApiKey, Organization, Project, ServiceAccount
from staff.base import ReadOnlyAdmin
from staff.display import link, moment_of, short_ids, shortened
from staff.search import ids_of, means_one_id, newest_ids, searched, words_of
from staff.states import message_and_reason
from webhooks.models import WebhookEndpoint

# The models whose newest rows are searched as in their own lists.
SUBJECTS: tuple[type[Model], ...] = (
    Organization, Project, ApiKey, ServiceAccount, MoveSpec, WebhookEndpoint,
)  # fmt: skip
MAX_SUBJECTS = 500
MAX_ENTRIES = 1_000
# The newest entries whose texts are searched, for names that nothing has any more.
MAX_TEXTS = 50_000


def _subjects(text: str) -> list[str]:
    """The ids of the rows that match `text`, and of the versions of MoveSpecs that do."""
    found: dict[type[Model], list[Any]] = {}
    for model in SUBJECTS:
        fields = admin.site.get_model_admin(model).search_fields
        rows = searched(model._default_manager.all(), text, fields)
        found[model] = newest_ids(rows, MAX_SUBJECTS)
    versions = MoveSpecVersion.objects.filter(movespec__in=found[MoveSpec])
    found[MoveSpecVersion] = newest_ids(versions, MAX_SUBJECTS)
    return [str(pk) for ids in found.values() for pk in ids]


NAME = "Who did what"
MAX_LIST_ITEM_CHARACTERS = 160


def _done(entry: LogEntry) -> str:
    return message_and_reason(entry)[0]


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = [moment_of("action_time", "when"), "who", "what", "shortly", "why"]
    list_filter = ["action_time", "action_flag"]
    list_select_related = ["user", "content_type"]
    # Django shows its search box for these; `search` does the search.
    search_fields = ["=object_id", "object_repr", "=user__username"]
    search_help_text = (
        f"By customer, name, id, or who did it: the newest {MAX_ENTRIES:,} of each. "
        f"A name that was changed since is found in the newest {MAX_TEXTS:,} of all."
    )
    fields = ["at", "who", "what", "object_id", "done", "why"]

    @admin.display(description="when")
    def at(self, entry: LogEntry) -> str:
        return date_format(entry.action_time, "DATETIME_FORMAT")

    @admin.display(description="who", ordering="user__username")
    def who(self, entry: LogEntry) -> str:
        return entry.user.get_username()

    @admin.display(description="what")
    def what(self, entry: Any) -> SafeString:
        kind = entry.content_type.name if entry.content_type else ""
        subject, address = short_ids(entry.object_repr), entry.get_admin_url()
        if address and not entry.is_deletion():
            subject = link(address, subject)
        return format_html('<span class="quiet">{}</span> {}', kind, subject)

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
        return message_and_reason(entry)[1] or None

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The entries that match `text`: the newest of them, if many do."""
        people = User.objects.filter(username__iexact=text.strip()).values_list("pk", flat=True)
        ways = [Q(user_id=person) for person in people]
        if meant := ids_of(text):
            first, last = map(str, meant)
            same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=True))
            ways.append(Q(object_id__startswith="".join(digit for digit, _ in same)))
        if not means_one_id(text) and (words := words_of(text)):
            newest = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            named = reduce(and_, [Q(object_repr__icontains=word) for word in words])
            ways.append(Q(pk__gt=newest - MAX_TEXTS) & named)
        # Each condition has its own index, and is read once: a list is counted as well as read.
        pks = rows.order_by().values_list("pk", flat=True)
        found = {pk for way in ways for pk in pks.filter(way).order_by("-pk")[:MAX_ENTRIES]}
        # Not sorted by the database, which would read the whole log backwards for a few.
        found.update(nlargest(MAX_ENTRIES, pks.filter(object_id__in=_subjects(text))))
        return rows.filter(pk__in=found)

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().list_context(request), "title": NAME, "list_name": NAME}

    def page_context(self, request: HttpRequest, entry: LogEntry) -> dict[str, Any]:
        context = super().page_context(request, entry)
        return {**context, "title": "What was done", "list_name": NAME}
