"""The formats of values on a page: badges, ids, moments, durations and plain words."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Final, Literal

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kynaplatform import clock
from sessions_app.models import Outcome
from staff.search_terms import WHOLE_ID

Tone = Literal["quiet", "good", "warning", "bad"]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def badge(text: str, tone: Tone = "quiet", title: str = "") -> SafeString:
    """The badge of a state; `title` has the API's word for it, where that is another."""
    if title and title != text:
        return format_html('<span class="badge {}" title="{}">{}</span>', tone, title, text)
    return format_html('<span class="badge {}">{}</span>', tone, text)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short_id(row_id: object) -> SafeString:
    """The first digits of an id. The whole is there to be copied, and for a screen reader."""
    shown = len(first_digits(row_id))
    return format_html('<span class="short-id of-{0}" title="{1}">{1}</span>', shown, row_id)


def first_digits(row_id: object) -> str:
    """Enough of an id to tell it from others: of one that begins with its time, all of that."""
    text = str(row_id)
    return text[: 13 if text[14:15] == "7" else 8]


def short_ids(text: object) -> SafeString:
    """`text` with each whole id in it as `short_id` shows it."""
    whole, parts, end = str(text), [], 0
    for found in WHOLE_ID.finditer(whole):
        parts += [whole[end : found.start()], short_id(found[0])]
        end = found.end()
    return format_html_join("", "{}", ((part,) for part in (*parts, whole[end:])))


def shortened(text: object) -> str:
    """`text` with the first digits alone of each whole id: for where there is no markup."""
    return WHOLE_ID.sub(lambda found: first_digits(found[0]), str(text))


def moment(at: datetime, now: datetime) -> SafeString:
    """`5 min ago` or `in 3 h` within a day of now, else `21 Nov, 14:02`; the whole as its title."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        date_format(at, "DATETIME_FORMAT"),
        _read(at, now),
    )


def _read(at: datetime, now: datetime) -> str:
    away = abs(now - at)
    if away >= DAY:
        return date_format(at, "j M, H:i" if at.year == now.year else "j M Y")
    if away < MINUTE:
        return "just now" if at <= now else "in a moment"
    far = f"{away // HOUR} h" if away >= HOUR else f"{away // MINUTE} min"
    return f"{far} ago" if at <= now else f"in {far}"


def written(value: float) -> str:
    """A number as people write it: `110` for 110.0, and three decimals at most."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def duration(span: timedelta) -> str:
    """`1 h 2 min`, `5 min 10 s`, `3.2 s`: two units say enough."""
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{written(round(seconds, 1))} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


@cache
def moment_of(field: str, description: str | None = None) -> Callable[[Any], Any]:
    """A column of a list that shows the moment in `field`, and sorts by it."""

    @admin.display(description=description or field.removesuffix("_at"), ordering=field)
    def shown(row: Any) -> SafeString | None:
        at = getattr(row, field)
        return moment(at, clock.now()) if at else None

    shown.plain = attrgetter(field)  # type: ignore[attr-defined]
    return shown


def id_column(row: Any) -> SafeString:
    return short_id(row.pk)


id_column.short_description = "id"  # type: ignore[attr-defined]


# How a session ended; the status alone where that says it.
ENDS: Final[Mapping[str, str]] = {
    Outcome.MAX_DURATION: "completed at the time limit",
    Outcome.EXPIRED: "never connected",
    Outcome.ABANDONED: "client went silent",
    Outcome.SUSPENDED: "cancelled by a suspension",
}


def outcome_words(outcome: str) -> str:
    return ENDS.get(outcome, outcome)


def month_words(month: date) -> str:
    return f"{month:%B %Y}"


def hours_words(active_ms: int) -> str:
    return f"{active_ms / 3_600_000:,.1f}"
