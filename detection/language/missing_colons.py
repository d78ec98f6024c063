"""Keys that lack their colon. libyaml tells most of them on a later line.

It takes `name squat` for a text that goes on, and stumbles over the colon of the line below.
"""

import re
from typing import NamedTuple

from detection.language.declaration import MOVESPEC
from detection.language.grammar import keys_of
from detection.language.issues import Mark, quote
from detection.language.yaml_text import lines_of

_COLON = re.compile(r":(?:\s|$)")
_COMMENT = re.compile(r"(?:^|\s)#")
_BEFORE_KEY = re.compile(r"(?:\s|-\s)*+")
_WORD = re.compile(r"[^\s:]*+")
# A key, and the bracket of its value.
_BEFORE_BRACKET = re.compile(r"[^\s:{}\[\],]++\s++[{\[]")
_KEYS = frozenset(keys_of(MOVESPEC))


class KeyWithoutColon(NamedTuple):
    """The place of a key, and the text of its line from there on."""

    mark: Mark
    text: str


def missing_colon(text: str) -> str:
    """The sentence for a key without its colon; `text` begins with the key."""
    key = first_word(text)
    if text[len(key) :].startswith(":"):
        return f"The colon after {quote(key)} needs a space behind it."
    return f"A colon is missing after {quote(key)}."


def first_word(text: str) -> str:
    """What comes before a space or a colon."""
    return _WORD.match(text)[0]  # type: ignore[index]


def is_key(text: str) -> bool:
    """Whether it begins with a key of the language, or of whatever is followed by a colon.

    A line of a longer text doesn't, and neither does an item without its dash.
    """
    word = first_word(text)
    return word in _KEYS or text[len(word) :].startswith(":") or is_before_bracket(text)


def is_before_bracket(text: str) -> bool:
    """Whether it begins with a word and the bracket of its value, as `setup {view: side}`."""
    return _BEFORE_BRACKET.match(text) is not None


def key_at(text: str, mark: Mark) -> KeyWithoutColon:
    """The key that libyaml itself found to lack its colon."""
    line = lines_of(text)[mark.line - 1]
    return KeyWithoutColon(mark, line[mark.column - 1 :])


def key_of_bracket(text: str, mark: Mark) -> KeyWithoutColon | None:
    """The key of the language right before the bracket at which libyaml has stumbled."""
    line = lines_of(text)[mark.line - 1]
    before = line[: mark.column - 1].rstrip()
    start = max(map(before.rfind, " {[,")) + 1
    if before[start:] not in _KEYS or line[mark.column - 1 : mark.column] not in ("[", "{"):
        return None
    return KeyWithoutColon(Mark(mark.line, start + 1), line[start:])


def key_before(text: str, mark: Mark) -> KeyWithoutColon | None:
    """The key that lacks its colon above the line at which libyaml has stumbled.

    None where that line is at fault itself, as in `a: b: c`, or by its indentation.
    """
    lines = lines_of(text)
    stumbled = lines[mark.line - 1]
    indent = _indent(stumbled)
    if is_before_bracket(stumbled[indent:]):
        return KeyWithoutColon(Mark(mark.line, indent + 1), stumbled[indent:])
    if _COLON.search(stumbled[: mark.column - 1]):
        return None
    found = None
    for number in range(mark.line - 1, 0, -1):
        content = _without_comment(lines[number - 1])
        if not content.strip():
            continue
        start = _indent(content)
        if colon := _COLON.search(content):
            # A text that began behind a colon goes on below it.
            goes_on = content[colon.end() :].strip() and found and found.mark.column > start + 1
            return None if goes_on else found
        dashes = content[:start]
        if start > indent or (dashes.strip() and dashes.index("-") >= indent):
            return None
        found = KeyWithoutColon(Mark(number, start + 1), content[start:])
        if dashes.strip():
            return found
    return found


def _indent(line: str) -> int:
    """How many characters come before the key of a line, the dashes of a list among them."""
    return _BEFORE_KEY.match(line).end()  # type: ignore[union-attr]


def _without_comment(line: str) -> str:
    comment = _COMMENT.search(line)
    return line if comment is None else line[: comment.start()]
