"""The choice of a text by a language tag."""

from collections.abc import Mapping

_FALLBACK = "en"


def chosen_text(texts: Mapping[str, str], locale: str | None) -> str:
    """The text for a locale by lookup (RFC 4647, section 3.4), else the English, else the first.

    Lookup takes the longest beginning of the locale that there is a text for: for `de-AT` that of
    `de-AT`, else that of `de`. Upper and lower case are the same.
    """
    by_tag = {tag.lower(): text for tag, text in texts.items()}
    for tag in (*_ranges(locale or ""), _FALLBACK):
        if tag in by_tag:
            return by_tag[tag]
    return next(iter(texts.values()))


def _ranges(locale: str) -> list[str]:
    """The tags to look for, the longest first; none ends with a singleton, such as the x of
    `de-x-a`."""
    subtags = locale.lower().split("-")[:16]
    return [
        "-".join(subtags[:length])
        for length in range(len(subtags), 0, -1)
        if len(subtags[length - 1]) > 1
    ]
