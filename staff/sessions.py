"""The pages of detection sessions."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_field, unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponseNotAllowed, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from detection import MoveSpecInvalid
from kynaplatform import clock
from sessions_app.event_counters import is_counted
from sessions_app.models import DetectionSession, Mode, Status
from sessions_app.stream_state import STATE_COLUMNS
from sessions_app.version_specs import validation_of_version
from staff.actions.base import StaffActionAdmin
from staff.actions.sessions import Cancel
from staff.authors import author_of, with_author
from staff.base import ReadOnlyAdmin
from staff.display import Tone, badge, duration, first_digits, id_column, moment_of, written
from staff.downloads import attachment, user_id_of
from staff.history import history_add
from staff.links import link_to, list_of, may_view
from staff.plain_words import COLUMNS, outcome_words
from staff.query_parameters import require_known
from staff.session_detections import detections, spec_of
from staff.session_events import event_lines
from staff.session_list import (
    FINDER_MEDIA,
    CredentialFilter,
    DayFilter,
    MoveSpecFilter,
    OrganizationFilter,
    ProjectFilter,
    SessionChangeList,
    StatusFilter,
)
from staff.session_search import HELP, LABELS, SUBJECT, sought
from staff.session_sentence import what_happened
from staff.session_summary import frames_shown
from staff.session_timeline import lasted, timeline
from staff.suspensions import with_suspensions
from webhooks.models import WebhookDelivery

EVENTS_CSV = "sessions_app_detectionsession_events_csv"
TONES: dict[str, Tone] = {Status.COMPLETED: "good", Status.FAILED: "bad"}


def parameters_shown(session: DetectionSession) -> list[tuple[str, str]]:
    """The numbers that it was given, each with its unit where its version's text has one."""
    if not session.parameters:
        return []
    try:
        units = validation_of_version(session.resolved_version_id).units()
    except MoveSpecInvalid:
        units = {}
    return [
        (
            name,
            duration(timedelta(milliseconds=number))
            if units.get(name) == "ms"
            else f"{written(number)}{units.get(name, '')}",
        )
        for name, number in session.parameters.items()
    ]


def state_badge(session: DetectionSession) -> SafeString:
    """The status, and the outcome where that says more. One that counted nothing is a warning."""
    outcome = session.terminal_outcome or session.status
    told = outcome_words(outcome)
    api_word = outcome if outcome == session.status else f"{session.status}: {outcome}"
    if session.status == Status.COMPLETED and repetitions_of(session) == 0:
        return badge(f"{told}, 0 repetitions", "warning", api_word)
    return badge(told, TONES.get(session.status, "quiet"), api_word)


def repetitions_of(session: DetectionSession) -> int | None:
    """None where code from before the counters has stored events."""
    return sum(session.repetitions.values()) if is_counted(session) else None


# The columns that tell staff nothing. A session's page shows every other.
OF_THE_MACHINERY = {
    "repetitions", "counted_events_total", "attachment_id", *STATE_COLUMNS, "engine_version",
    "is_state_unreadable", "unreadable_since", "created_by", "idempotency_key",
    "request_fingerprint", "signing_key_id", "runtime_token_expires_at", "summary",
}  # fmt: skip


def column_named(name: str) -> Any:
    """A column of all of them: by a plain name where its own says little, with its own behind."""
    if name not in COLUMNS:
        return name

    @admin.display(description=f"{COLUMNS[name]} ({name})", empty_value="-")
    def shown(session: DetectionSession) -> Any:
        column: Any = session._meta.get_field(name)
        return display_for_field(getattr(session, name), column, "-")

    return shown


@admin.register(DetectionSession)
class DetectionSessionAdmin(StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [Cancel()]
    changelist_class = SessionChangeList
    change_list_template = "admin/placed_list.html"
    list_display = [
        id_column, "customer", "movespec", "state", "counted", "frames",
        moment_of("created_at"),
    ]  # fmt: skip
    only_in_csv = ["subject", "parameters", "metadata", "locale"]
    list_filter = [
        StatusFilter, "mode", DayFilter, OrganizationFilter, ProjectFilter, MoveSpecFilter,
        CredentialFilter,
    ]  # fmt: skip
    # In another order, a page would read every row.
    sortable_by = ()
    # Django shows its search box for this; `SessionChangeList` does the search.
    search_fields = ["=id"]
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        column_named(column.name) for column in DetectionSession._meta.concrete_fields
        if column.name not in OF_THE_MACHINERY
    ]})]  # fmt: skip

    @admin.display(description="customer")
    def customer(self, session: DetectionSession) -> SafeString:
        return link_to(session.project, session.project)

    @admin.display(description="MoveSpec")
    def movespec(self, session: DetectionSession) -> SafeString:
        version = session.resolved_version
        name = link_to(version.movespec, version.movespec)
        number = f"version {version.version_number}"
        return format_html("{}, {}", name, link_to(version, number))

    @admin.display(description="status")
    def state(self, session: DetectionSession) -> SafeString:
        return with_suspensions(session, state_badge(session))

    @admin.display(description="repetitions")
    def counted(self, session: DetectionSession) -> int | None:
        return repetitions_of(session)

    @admin.display(description="frames")
    def frames(self, session: DetectionSession) -> int:
        return session.accepted_frames_total

    @property
    def media(self) -> Media:
        return super().media + FINDER_MEDIA

    def made_by(self, request: HttpRequest, session: DetectionSession) -> SafeString | str | None:
        """The credential that created it, by name; None where code from before did."""
        if session.created_by is None:
            return None
        this = DetectionSession.objects.filter(pk=session.pk).order_by().only("pk")
        row = with_author(this, "created_by", request.user).first()
        # It may be deleted while its page is made.
        return author_of(row, session.created_by) if row else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset, False

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        named = {"search_help": HELP, "rows_called": "sessions"}
        return {**super().list_context(request), **named}

    def told(self, parameters: QueryDict) -> Mapping[str, Any]:
        """No log has a person's id, or what a customer has noted."""
        text = parameters.get(SEARCH_VAR, "").strip()
        # What finds nothing may be of somebody who was erased.
        if not text or ((found := sought(text)) and LABELS.isdisjoint(found)):
            return parameters
        return {**parameters.dict(), SEARCH_VAR: "a subject or a note"}

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/events/csv/",
            self.admin_site.admin_view(self.events_view),
            name=EVENTS_CSV,
        )
        return [own, *super().get_urls()]

    def events_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The CSV of a session's events, for whoever may see its page. Each download is logged."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        require_known(request.GET, set())
        session = self.get_object(request, unquote(object_id))
        if session is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        history_add(
            user_id=user_id_of(request), row=session, message="Downloaded its events as CSV."
        )
        return attachment(event_lines(session, spec_of(session)), f"events-of-{session.pk}")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("resolved_version__movespec")
        return rows.defer("engine_state")

    def page_context(self, request: HttpRequest, session: DetectionSession) -> dict[str, Any]:
        now = clock.now()
        told = may_view(request.user, WebhookDelivery)
        frames = frames_shown(session)
        return {
            **super().page_context(request, session),
            "webhook_messages": list_of(WebhookDelivery, q=session.pk) if told else None,
            "title": f"Session {first_digits(session.pk)} of {session.project}",
            "subtitle": None,
            "state": self.state(session),
            "lasted": lasted(session, now),
            "timeline": timeline(session, now),
            "of_subject": list_of(
                DetectionSession,
                project__id__exact=session.project_id,
                q=f"{SUBJECT}{session.subject}",
            ),
            "events_csv": reverse(f"admin:{EVENTS_CSV}", args=[session.pk]),
            "made_by": self.made_by(request, session),
            "happened": what_happened(
                session, now, frames_span=frames["frames_span"], why=frames["why"]
            ),
            "is_replay": session.mode == Mode.REPLAY,
            "parameters": parameters_shown(session),
            **frames,
            **detections(session, now, frames["tries"]),
        }
