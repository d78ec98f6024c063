"""Usage in words: a month, and active time."""

from datetime import date


def month_words(month: date) -> str:
    return f"{month:%B %Y}"


def hours_words(active_ms: int) -> str:
    return f"{active_ms / 3_600_000:,.1f}"
