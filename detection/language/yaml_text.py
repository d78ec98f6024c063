"""The text of a document, before any YAML: its size, its characters, and its lines and columns."""

import re

from detection.language.issues import Mark, Report

MAX_BYTES = 65_536

# YAML's printable characters, less those that YAML 1.1 took for line breaks and 1.2 does not
# (U+0085, U+2028, U+2029): parsers and editors disagree about the lines of such a text. A byte
# order mark may only come first.
_REFUSED = re.compile(
    "[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARK = "\ufeff"


def readable_text(yaml_source: str, report: Report) -> str | None:
    """The text without its byte order mark, or None when it is too large or has a character that
    YAML text may not have."""
    if is_too_large(yaml_source):
        report.error(
            "document_too_large",
            f"The text is over {MAX_BYTES:,} bytes in UTF-8, the most that it may have.",
        )
        return None
    text = yaml_source.removeprefix(_BYTE_ORDER_MARK)
    if refused := _REFUSED.search(text):
        report.error(
            "invalid_character",
            f"The character U+{ord(refused[0]):04X} is not allowed: remove it.",
            mark=mark_at(text, refused.start()),
        )
        return None
    return text


def is_too_large(yaml_source: str) -> bool:
    # The count of characters first: it costs nothing on a text of many megabytes.
    if len(yaml_source) > MAX_BYTES:
        return True
    return len(yaml_source.encode("utf-8", "surrogatepass")) > MAX_BYTES


def mark_at(text: str, index: int) -> Mark:
    line, line_start = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, line_start = line + 1, line_break.end()
    return Mark(line, index - line_start + 1)


def lines_of(text: str) -> list[str]:
    return _LINE_BREAK.split(text)
