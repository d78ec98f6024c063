"""The text of a document: its size, characters and lines, and libyaml's syntax errors in sentences
that an author can act on."""

import re

import yaml

from detection.language.declaration import MOVESPEC
from detection.language.grammar import keys_of
from detection.language.issues import Mark, Report, quote

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
    """The text without its byte order mark. None, with an error in the report, for a text that is
    too large or has a character that YAML refuses."""
    # The count of characters first: it costs nothing on a text of many megabytes.
    if (
        len(yaml_source) > MAX_BYTES
        or len(yaml_source.encode("utf-8", "surrogatepass")) > MAX_BYTES
    ):
        message = f"The text is over {MAX_BYTES:,} bytes in UTF-8, the most that it may have."
        report.error("document_too_large", message)
        return None
    text = yaml_source.removeprefix(_BYTE_ORDER_MARK)
    if refused := _REFUSED.search(text):
        message = f"The character U+{ord(refused[0]):04X} is not allowed: remove it."
        report.error("invalid_character", message, mark=mark_at(text, refused.start()))
        return None
    return text


def mark_at(text: str, index: int) -> Mark:
    line, line_start = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, line_start = line + 1, line_break.end()
    return Mark(line, index - line_start + 1)


_NO_COLON = "could not find expected ':'"
_NESTING = "exceeded maximum nesting depth"
_CANNOT_START = "found character that cannot start any token"
_UNCLOSED = {
    "did not find expected ',' or ']'": "The list opened at {0} lacks a comma or its ].",
    "did not find expected ',' or '}'": "The mapping opened at {0} lacks a comma or its }}.",
    "found unexpected end of stream": "The quote opened at {0} is never closed.",
}
# libyaml says these of a line below one without its colon, and of other faults.
_MAY_BE_NO_COLON = {
    "mapping values are not allowed in this context": (
        "A colon cannot stand here: check the indentation, or put a text with a colon in quotes."
    ),
    "did not find expected key": (
        "A key was expected here: check the indentation, and the quotes of the text before it."
    ),
    "did not find expected '-' indicator": (
        "An item of the list (- ) was expected here: check the indentation."
    ),
    "did not find expected <document start>": (
        "The document has ended before this: check the indentation and the quotes."
    ),
}
_TABS = "Indent with spaces, not with tabs."
_ONLY_YAML_1_2 = "Only the directive %YAML 1.2 is allowed."
_ADVICE = _MAY_BE_NO_COLON | {
    "block sequence entries are not allowed in this context": (
        "An item of a list (- ) cannot begin here: put it on a line of its own."
    ),
    _NO_COLON: "A key lacks its colon here, or an item of a list its dash.",
    "did not find expected node content": "A value was expected here.",
    "found unknown escape character": (
        "Unknown escape: write a backslash in double quotes twice, or use single quotes."
    ),
    "found invalid Unicode character escape code": "The escape is not a Unicode character.",
    "found a tab character that violates indentation": _TABS,
    "found a tab character where an indentation space is expected": _TABS,
    "found incompatible YAML document": _ONLY_YAML_1_2,
    "found unknown directive name": _ONLY_YAML_1_2,
    "found undefined tag handle": "Tags (!name) are not allowed.",
    _NESTING: "Lists and mappings are nested too deep.",
}
_CODES = {
    _NESTING: "too_deep",
    "found incompatible YAML document": "directive_not_allowed",
    "found unknown directive name": "directive_not_allowed",
    "found undefined tag handle": "tag_not_allowed",
}


def report_syntax_error(text: str, error: yaml.YAMLError, report: Report) -> None:
    problem = str(getattr(error, "problem", None) or "unreadable text")
    context_mark = getattr(error, "context_mark", None)
    index = _index_within(text, getattr(error, "problem_mark", None))
    opened = mark_at(text, _index_within(text, context_mark)) if context_mark else None
    mark = mark_at(text, index)
    if opened and (
        problem == _NO_COLON
        # The end of the text helps no one to find what is open.
        or (problem in _UNCLOSED and index >= len(text.rstrip()))
    ):
        mark = opened
    lines = _LINE_BREAK.split(text)
    key = _key_without_colon(lines, problem, mark, is_opened=opened is not None)
    if key is not None and _is_key(key_text := _text_from(lines, key)):
        report.error("yaml_syntax", missing_colon(key_text), mark=key)
        return
    code = _CODES.get(problem, "yaml_syntax")
    report.error(code, _sentence(problem, text[index : index + 1], opened), mark=mark)


def _index_within(text: str, mark: object) -> int:
    return min(max(int(getattr(mark, "index", 0)), 0), len(text))


def _sentence(problem: str, character: str, opened: Mark | None) -> str:
    if problem == _CANNOT_START and character == "\t":
        return _TABS
    if problem == _CANNOT_START and character:
        return f"A text cannot begin with {quote(character)}: put it in quotes."
    if problem in _UNCLOSED and opened:
        return _UNCLOSED[problem].format(f"line {opened.line}, column {opened.column}")
    return _ADVICE.get(problem) or f"The text is not well-formed YAML: {problem}."


# --- Keys without their colon ---------------------------------------------------------------
# libyaml reports most of them on a later line: it reads `name squat` as a text that goes on, and
# stumbles over the colon of the line below.

_COLON = re.compile(r":(?:\s|$)")
_COMMENT = re.compile(r"(?:^|\s)#")
_BEFORE_KEY = re.compile(r"(?:\s|-\s)*+")
_WORD = re.compile(r"[^\s:]*+")
# A key, and the bracket of its value.
_BEFORE_BRACKET = re.compile(r"[^\s:{}\[\],]++\s++[{\[]")
_KEYS = frozenset(keys_of(MOVESPEC))


def missing_colon(text: str) -> str:
    """The sentence for a key without its colon; `text` begins with the key."""
    key = first_word(text)
    if text[len(key) :].startswith(":"):
        return f"The colon after {quote(key)} needs a space behind it."
    return f"A colon is missing after {quote(key)}."


def first_word(text: str) -> str:
    """The text before a space or a colon."""
    return _WORD.match(text)[0]  # type: ignore[index]


def is_before_bracket(text: str) -> bool:
    """Whether it begins with a word and the bracket of its value, as `setup {view: side}`."""
    return _BEFORE_BRACKET.match(text) is not None


def _key_without_colon(
    lines: list[str], problem: str, mark: Mark, *, is_opened: bool
) -> Mark | None:
    if problem == _NO_COLON and is_opened:
        return mark
    if problem in _UNCLOSED:
        return _key_of_bracket(lines[mark.line - 1], mark)
    return _key_above(lines, mark) if problem in _MAY_BE_NO_COLON else None


def _text_from(lines: list[str], mark: Mark) -> str:
    return lines[mark.line - 1][mark.column - 1 :]


def _is_key(text: str) -> bool:
    """Whether it begins with a key of the language, or with any word and a colon.

    A line of a longer text doesn't, and neither does an item without its dash.
    """
    word = first_word(text)
    return word in _KEYS or text[len(word) :].startswith(":") or is_before_bracket(text)


def _key_of_bracket(line: str, mark: Mark) -> Mark | None:
    """The key of the language right before the bracket at which libyaml stumbled."""
    before = line[: mark.column - 1].rstrip()
    start = max(map(before.rfind, " {[,")) + 1
    if before[start:] not in _KEYS or line[mark.column - 1 : mark.column] not in ("[", "{"):
        return None
    return Mark(mark.line, start + 1)


def _key_above(lines: list[str], mark: Mark) -> Mark | None:
    """The key without its colon above the line at which libyaml stumbled.

    None where that line is at fault itself, as in `a: b: c`, or by its indentation.
    """
    stumbled = lines[mark.line - 1]
    indent = _indent(stumbled)
    if is_before_bracket(stumbled[indent:]):
        return Mark(mark.line, indent + 1)
    if _COLON.search(stumbled[: mark.column - 1]):
        return None
    found = None
    for number in range(mark.line - 1, 0, -1):
        content = _COMMENT.split(lines[number - 1], maxsplit=1)[0]
        if not content.strip():
            continue
        start = _indent(content)
        if colon := _COLON.search(content):
            # A text that began behind a colon goes on below it.
            goes_on = content[colon.end() :].strip() and found and found.column > start + 1
            return None if goes_on else found
        dashes = content[:start]
        if start > indent or (dashes.strip() and dashes.index("-") >= indent):
            return None
        found = Mark(number, start + 1)
        if dashes.strip():
            return found
    return found


def _indent(line: str) -> int:
    """How many characters come before the key of a line, the dashes of a list among them."""
    return _BEFORE_KEY.match(line).end()  # type: ignore[union-attr]
