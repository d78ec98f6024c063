"""The pages of detection sessions, and the CSV of a session's events."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from detection import MoveSpec
from detection.engine.plan import plan_of
from sessions_app.attempt_words import why_words
from sessions_app.downtime import make_up_for_downtime
from sessions_app.events import NO_FRAME, events_after_sequence, whole_ts
from sessions_app.lifecycle import SessionAlreadyEnded, session_cancel, settle_locked
from sessions_app.models import LIVE_STATUSES, DetectionEvent, DetectionSession, EventType, Outcome
from sessions_app.schemas import ended_by
from sessions_app.stream_state import STATE_COLUMNS
from staff.actions import StaffAction, StaffActionAdmin, Submission
from staff.base import ReadOnlyAdmin
from staff.display import (
    author_of,
    duration,
    first_digits,
    full_name,
    id_column,
    link,
    list_of,
    may_view,
    moment_of,
    with_author,
)
from staff.lists import ROWS_AT_ONCE, KeysetAdmin, attachment, csv_lines, require_known
from staff.search import LABELS, SESSIONS_HELP, SUBJECT, session_filters
from staff.session_list import LINKED, DayFilter, SessionChangeList, StatusFilter
from staff.session_page import session_page, spec_of
from staff.states import history_of, message_and_reason, state_of_session, with_suspensions
from webhooks.models import WebhookDelivery


class Cancel(StaffAction):
    name, label, past = "cancel", "Cancel", "Cancelled"
    way_out = "Leave it running"
    permission = "sessions_app.cancel_detectionsession"
    consequences = (
        "Each session that still runs ends now, cancelled and without a result.",
        "A client that is attached gets session_done and is disconnected.",
        "Frames that were acknowledged stay counted.",
        "A session that has ended by then keeps its outcome, and a message says so.",
    )

    def applies_to(self, row: DetectionSession) -> bool:
        return row.status in LIVE_STATUSES

    def title(self, row: DetectionSession) -> str:
        return f"Cancel session {full_name(row)}"

    def sentence(self, row: DetectionSession) -> str:
        return f"Cancelled session {full_name(row)}."

    def perform(self, row: DetectionSession, submission: Submission) -> None:
        # Locked, so that what is found here is what `session_cancel` finds: cancelling what was
        # cancelled already is no error to it.
        make_up_for_downtime(submission.now)
        one = DetectionSession.objects.filter(id=row.id)
        settle_locked(one, submission.now, row.project_id)
        found = one.first()
        if found is not None and found.status not in LIVE_STATUSES:
            raise SessionAlreadyEnded(
                f"It had ended already: {found.status}, outcome {found.terminal_outcome}."
            )
        session_cancel(session_id=row.id, project_id=row.project_id, now=submission.now)


EVENTS_CSV = "sessions_app_detectionsession_events_csv"
# The columns that mean nothing to staff. A session's page shows all others.
OF_THE_MACHINERY = {
    "repetitions", "counted_events_total", "attachment_id", *STATE_COLUMNS, "engine_version",
    "is_state_unreadable", "unreadable_since", "created_by", "idempotency_key",
    "request_fingerprint", "signing_key_id", "runtime_token_expires_at", "summary",
}  # fmt: skip


@admin.register(DetectionSession)
class DetectionSessionAdmin(KeysetAdmin, StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [Cancel()]
    changelist_class = SessionChangeList
    list_display = [
        id_column, "customer", "movespec", "state", "counted", "frames",
        moment_of("created_at"),
    ]  # fmt: skip
    only_in_csv = ["subject", "parameters", "metadata", "locale"]
    list_filter = [StatusFilter, "mode", DayFilter, *LINKED]
    # Django shows its search box for this.
    search_fields = ["=id"]
    search_help_text = SESSIONS_HELP
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        column.name for column in DetectionSession._meta.concrete_fields
        if column.name not in OF_THE_MACHINERY
    ]})]  # fmt: skip

    @admin.display(description="customer")
    def customer(self, session: DetectionSession) -> SafeString:
        return link(session.project, session.project)

    @admin.display(description="MoveSpec")
    def movespec(self, session: DetectionSession) -> SafeString:
        version = session.resolved_version
        name = link(version.movespec, version.movespec)
        number = f"version {version.version_number}"
        return format_html("{}, {}", name, link(version, number))

    @admin.display(description="status")
    def state(self, session: DetectionSession) -> SafeString:
        return with_suspensions(session, state_of_session(session))

    @admin.display(description="repetitions")
    def counted(self, session: DetectionSession) -> int:
        repetitions: dict[str, int] = session.repetitions
        return sum(repetitions.values())

    @admin.display(description="frames")
    def frames(self, session: DetectionSession) -> int:
        return session.accepted_frames_total

    def logged_parameters(self, parameters: QueryDict) -> Mapping[str, Any]:
        """No log has a person's id, or a note of a customer."""
        text = parameters.get(SEARCH_VAR, "").strip()
        # A text that finds nothing may be of somebody who was erased.
        if not text or ((found := session_filters(text)) and LABELS.isdisjoint(found)):
            return parameters
        return {**parameters.dict(), SEARCH_VAR: "a subject or a note"}

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/events/csv/",
            self.admin_site.admin_view(self.events_view),
            name=EVENTS_CSV,
        )
        return [own, *super().get_urls()]

    @method_decorator(require_GET)
    def events_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The CSV of a session's events, for whoever may see its page. Each download is logged."""
        require_known(request.GET, set())
        session = self.get_object(request, unquote(object_id))
        if session is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        self.log_change(request, session, "Downloaded its events as CSV.")
        return attachment(event_lines(session, spec_of(session)), f"events-of-{session.pk}")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("resolved_version__movespec")
        return with_author(rows.defer("engine_state"), "created_by", request.user)

    def page_context(self, request: HttpRequest, session: DetectionSession) -> dict[str, Any]:
        cancelled = None
        if session.terminal_outcome == Outcome.CANCELLED:  # by staff, if the log still says so
            entries = history_of(session).filter(change_message__startswith="Cancelled ")
            cancelled = entries.first()
        return {
            **super().page_context(request, session),
            **session_page(session),
            "title": f"Session {first_digits(session.pk)} of {session.project}",
            "subtitle": None,
            "facts": self.facts(request, session),
            "cancelled": cancelled,
            "cancelled_why": cancelled and message_and_reason(cancelled)[1],
            "events_csv": reverse(f"admin:{EVENTS_CSV}", args=[session.pk]),
        }

    def facts(self, request: HttpRequest, session: DetectionSession) -> list[tuple[str, Any]]:
        ended, started = session.ended_at, session.started_at
        facts: list[tuple[str, Any]] = [
            ("Customer", self.customer(session)),
            ("MoveSpec", self.movespec(session)),
            ("Status", self.state(session)),
            ("Mode", session.mode),
            ("Created", _moment(session.created_at)),
            ("Started", _moment(started)),
            ("Ended", _moment(ended)),
            ("Streamed for", duration(ended - started) if started and ended else None),
            ("Frames accepted", f"{session.accepted_frames_total:,}"),
            # Code from before stored no credential.
            ("Made by", session.created_by and author_of(session, session.created_by)),
        ]
        if may_view(request.user, WebhookDelivery):
            sent = list_of(WebhookDelivery, q=session.pk)
            facts.append(("Webhooks", link(sent, "What was sent of it")))
        if session.subject:
            theirs = list_of(
                DetectionSession,
                project__id__exact=session.project_id,
                q=f"{SUBJECT}{session.subject}",
            )
            facts.append(("Subject", link(theirs, session.subject)))
        target = " ".join(f"{name} {number:,}" for name, number in (session.target or {}).items())
        return [
            *facts,
            ("Language", session.locale),
            ("Target", target or None),
            ("Ended by", ended_by(session)),
            ("Landmarker", (session.landmarker or {}).get("name")),
        ]


def _moment(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else None


# The columns of every event. A cell is empty where the event's type has no such value.
OF_EVENT = ("event", "ts_ms", "frame", "type", "name", "number", "side")
OF_METRICS = ("duration_ms", "out_ms", "stay_ms", "back_ms", "held_ms", "form")
OF_PAYLOAD = ("score", "reason", "path", "by", "confidence", "level", "key", "message")
OUTCOMES = {True: "met", False: "missed", None: "not judged"}


def event_lines(session: DetectionSession, spec: MoveSpec | None) -> Iterator[bytes]:
    """The lines of the CSV. Each measure of the MoveSpec has a column for its least and for its
    most in a repetition, in degrees. Each check has one for its outcome, one for its value, and one
    for by how much it was missed. Another names the uncertain ones."""
    counters = plan_of(spec).counters if spec else ()
    measures = [name for counter in counters for name in counter.directions]
    checks = list(spec.check_paths) if spec else []
    # The next event has the check of a way back. No author's name has a dot.
    later = [f"previous.{name}" for name in checks if name == "tempo.back"]
    header = [
        *OF_EVENT,
        *OF_METRICS,
        "previous_back_ms",
        *(f"{name} {end}" for name in measures for end in ("least", "most")),
        *(f"check.{name}{end}" for name in (*checks, *later) for end in ("", ".value", ".by")),
        "uncertain",
        *OF_PAYLOAD,
        "why",
    ]
    rows = (_cells(event, [*measures, *checks], spec) for event in _events(session))
    return csv_lines(header, ([cells.get(column) for column in header] for cells in rows))


def _events(session: DetectionSession) -> Iterator[DetectionEvent]:
    """All events, by one short statement after another."""
    known = 0
    while page := events_after_sequence(session_id=session.pk, sequence=known, limit=ROWS_AT_ONCE):
        yield from page
        known = page[-1].sequence


def _cells(event: DetectionEvent, named: list[str], spec: MoveSpec | None) -> dict[str, object]:
    """The cells of an event by their columns. `named` are the measures and checks."""
    payload: dict[str, Any] = event.payload
    metrics = payload.get("metrics") or {}
    previous = metrics.get("previous") or {}
    measures = metrics.get("measures", {})
    own_checks = metrics.get("checks", ())
    uncertain = {name for name, one in measures.items() if one.get("uncertain")}
    uncertain |= {check["name"] for check in own_checks if check.get("uncertain")}
    cells: dict[str, object] = {
        "event": event.sequence,
        "ts_ms": whole_ts(event.ts_ms),
        "frame": None if event.frame_seq == NO_FRAME else event.frame_seq,
        "type": event.type,
        "name": payload.get("shape_key", payload.get("event_key")),
        "number": payload.get("number"),
        "side": payload.get("side"),
        "previous_back_ms": previous.get("back_ms"),
        **{name: metrics.get(name) for name in OF_METRICS},
        **{name: payload.get(name) for name in OF_PAYLOAD},
    }
    if event.type == EventType.EVENT_INTERRUPTED:
        cells["why"] = why_words(payload, spec)
    for name, one in measures.items():
        cells |= {f"{name} {end}": one.get(end) for end in ("least", "most")}
    for way, checks in (("check", own_checks), ("check.previous", previous.get("checks", ()))):
        for check in checks:
            column = f"{way}.{check['name']}"
            cells |= {column: OUTCOMES[check["met"]], f"{column}.value": check["value"]}
            cells[f"{column}.by"] = check["by"]
    cells["uncertain"] = ", ".join(name for name in named if name in uncertain) or None
    return cells
