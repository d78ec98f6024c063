"""The plain words for the API's own, which stay behind them for whoever talks to a developer."""

from collections.abc import Mapping
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions_app.models import EventType, Outcome

# How a session ended; the status alone where that says it.
ENDS: Final[Mapping[str, str]] = {
    Outcome.MAX_DURATION: "completed at the time limit",
    Outcome.EXPIRED: "never connected",
    Outcome.ABANDONED: "client went silent",
    Outcome.SUSPENDED: "cancelled by a suspension",
}
EVENTS: Final[Mapping[str, str]] = {
    EventType.SHAPE_ENTER: "Phase entered",
    EventType.SHAPE_EXIT: "Phase left",
    EventType.EVENT_COMPLETED: "Counted",
    EventType.EVENT_INTERRUPTED: "Did not count",
    EventType.FEEDBACK: "Message to the person",
}
# The columns of a session whose names say little.
COLUMNS: Final[Mapping[str, str]] = {
    "resolved_version": "ran version",
    "contract_major": "version of the API",
    "terminal_outcome": "how it ended",
    "finishing_outcome": "how it will end",
    "accepted_frames_total": "frames taken",
    "rejected_frames_total": "frames not taken",
    "events_total": "events",
    "interrupted_total": "attempts that did not count",
    "last_frame_seq": "number of the last frame",
    "last_batch_seq": "number of the last batch",
    "deadline_at": "ends by itself at",
    "longest_until": "may stream until",
    "lease_until": "held by a stream server until",
    "checkpoint_number": "times stored",
    "locale": "language of its messages",
    "subject": "person, by the customer's own id",
    "metadata": "the customer's notes",
}


def outcome_words(outcome: str) -> str:
    return ENDS.get(outcome, outcome)


def with_api_word(plain: str, api_word: str) -> SafeString:
    """The plain words, then the API's word where it is another."""
    if plain == api_word:
        return format_html("{}", plain)
    return format_html('{} <code class="api-word">{}</code>', plain, api_word)
