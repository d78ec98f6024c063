"""The tree of nodes of a YAML text, each with its place, made from libyaml's events.

Nothing is composed or constructed. Anchors, aliases and tags are refused as they come, and depth
and size are bounded on the way. So no text costs more than its length.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

import yaml

from detection.language.issues import Mark, Report, quote

MAX_BYTES = 65_536
MAX_DEPTH = 10
MAX_NODES = 5_000

_MERGE_KEY = "<<"


@dataclass(slots=True)
class Node:
    """A node of the tree. A `refused` node is an alias, which the report has already."""

    kind: Literal["scalar", "list", "mapping", "refused"]
    mark: Mark
    text: str = ""
    is_plain: bool = False
    items: list["Node"] = field(default_factory=list)
    entries: dict[str, tuple["Node", "Node"]] = field(default_factory=dict)


class _Stop(Exception):
    pass


def read_document(yaml_source: str, report: Report) -> Node | None:
    """The root node of the one document in the text. None when there is no tree: the report says
    why. With a tree, the report may have errors too."""
    text = _readable_text(yaml_source, report)
    if text is None:
        return None
    try:
        root = _Reader(text, report).document()
    except _Stop:
        return None
    except yaml.YAMLError as error:
        _report_syntax_error(text, error, report)
        return None
    if root is None or (root.is_plain and not root.text):
        report.error("document_empty", "The text has no content.", mark=Mark(1, 1))
        return None
    return root


def child_path(path: str, key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum() and len(key) <= 64
    shown = key if plain else quote(key)
    return f"{path}.{shown}" if path else shown


class _Reader:
    """A reader of a text's events, which stops at what no tree can have."""

    def __init__(self, text: str, report: Report) -> None:
        self._text = text
        self._report = report
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CBaseLoader))
        self._node_count = 0

    def document(self) -> Node | None:
        root = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    message = "A second document begins here; a text has one."
                    raise self._stop("multiple_documents", message, self._mark(event))
                if event.tags or event.version not in (None, (1, 2)):
                    message = "Only the directive %YAML 1.2 is allowed."
                    self._report.error("directive_not_allowed", message, mark=self._mark(event))
                root = self._node(next(self._events), "", 0)
        return root

    def _node(self, event: yaml.Event, path: str, depth: int, *, is_key: bool = False) -> Node:
        """The node that begins with an event. A key has the path of its mapping."""
        mark = self._mark(event)
        if isinstance(event, yaml.AliasEvent):
            self._error("alias_not_allowed", "Aliases (*name) are not allowed.", path, mark)
        elif getattr(event, "anchor", None) is not None:
            self._error("anchor_not_allowed", "Anchors (&name) are not allowed.", path, mark)
        if getattr(event, "tag", None) is not None:
            self._error("tag_not_allowed", "Tags (!name) are not allowed.", path, mark)
        is_collection = isinstance(event, yaml.CollectionStartEvent)
        if is_collection and depth >= MAX_DEPTH:
            message = f"Lists and mappings may be nested {MAX_DEPTH} levels deep at most."
            raise self._stop("too_deep", message, mark)
        self._node_count += 1
        if self._node_count > MAX_NODES:
            message = f"The document has more than {MAX_NODES:,} keys, values, lists and mappings."
            raise self._stop("too_many_nodes", message, mark)
        if is_collection and is_key:
            message = "A key must be text: put what begins with [ or { in quotes."
            raise self._stop("invalid_key", message, mark, path)
        match event:
            case yaml.ScalarEvent():
                return Node("scalar", mark, event.value, not event.style)
            case yaml.SequenceStartEvent():
                node = Node("list", mark)
                while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                    item_path = f"{path}[{len(node.items)}]"
                    node.items.append(self._node(item, item_path, depth + 1))
                return node
            case yaml.MappingStartEvent():
                node = Node("mapping", mark)
                while not isinstance(key := next(self._events), yaml.MappingEndEvent):
                    self._add_entry(node, key, path, depth + 1)
                return node
        return Node("refused", mark)

    def _add_entry(self, node: Node, event: yaml.Event, path: str, depth: int) -> None:
        """Add the key that begins with an event, and its value. An equal key comes too late."""
        key = self._node(event, path, depth, is_key=True)
        key_path = child_path(path, key.text)
        is_merge_key = key.is_plain and key.text == _MERGE_KEY
        if is_merge_key:
            message = "Merge keys (<<) are not allowed."
            self._error("merge_key_not_allowed", message, key_path, key.mark)
        elif key.kind == "scalar" and key.text in node.entries:
            first = node.entries[key.text][0].mark
            message = f"The key {quote(key.text)} is here a second time; line {first.line} has it."
            self._error("duplicate_key", message, key_path, key.mark)
        value = self._node(next(self._events), key_path, depth)
        if key.kind == "scalar" and not is_merge_key:
            node.entries.setdefault(key.text, (key, value))

    def _mark(self, event: yaml.Event) -> Mark:
        start = cast(yaml.Mark, event.start_mark)
        if start.index >= len(self._text):
            # libyaml puts the end of a text without a last line break onto a line of its own.
            return _mark_at(self._text, len(self._text))
        return Mark(start.line + 1, start.column + 1)

    def _error(self, code: str, message: str, path: str, mark: Mark) -> None:
        self._report.error(code, message, path or None, mark)

    def _stop(self, code: str, message: str, mark: Mark, path: str = "") -> _Stop:
        self._error(code, message, path, mark)
        return _Stop()


# --- The text of a document ------------------------------------------------------------------

# YAML's printable characters, less those that YAML 1.1 took for line breaks and 1.2 does not
# (U+0085, U+2028, U+2029): parsers and editors disagree about the lines of such a text. A byte
# order mark may only come first.
_REFUSED = re.compile(
    "[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARK = "\ufeff"


def _readable_text(yaml_source: str, report: Report) -> str | None:
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
        report.error("invalid_character", message, mark=_mark_at(text, refused.start()))
        return None
    return text


def _mark_at(text: str, index: int) -> Mark:
    line, line_start = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, line_start = line + 1, line_break.end()
    return Mark(line, index - line_start + 1)


# --- libyaml's syntax errors, in sentences that an author can act on ----------------------------

_NO_COLON = "could not find expected ':'"
_NESTING = "exceeded maximum nesting depth"
_CANNOT_START = "found character that cannot start any token"
_UNCLOSED = {
    "did not find expected ',' or ']'": "The list opened at {0} lacks a comma or its ].",
    "did not find expected ',' or '}'": "The mapping opened at {0} lacks a comma or its }}.",
    "found unexpected end of stream": "The quote opened at {0} is never closed.",
}
_TABS = "Indent with spaces, not with tabs."
_ONLY_YAML_1_2 = "Only the directive %YAML 1.2 is allowed."
_ADVICE = {
    # libyaml also says these four of the line below a key without its colon.
    "mapping values are not allowed in this context": (
        "A colon cannot stand here: check the indentation and the colon of the key above, or put a"
        " text with a colon in quotes."
    ),
    "did not find expected key": (
        "A key was expected here: check the indentation, the colon of the key above, and the quotes"
        " of the text before it."
    ),
    "did not find expected '-' indicator": (
        "An item of the list (- ) was expected here: check the indentation, and the colon of the"
        " key above."
    ),
    "did not find expected <document start>": (
        "The document has ended before this: check the indentation, the quotes, and the colon of"
        " the key above."
    ),
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


def _report_syntax_error(text: str, error: yaml.YAMLError, report: Report) -> None:
    problem = str(getattr(error, "problem", None) or "unreadable text")
    context_mark = getattr(error, "context_mark", None)
    index = _index_within(text, getattr(error, "problem_mark", None))
    opened = _mark_at(text, _index_within(text, context_mark)) if context_mark else None
    mark = _mark_at(text, index)
    if opened and (
        problem == _NO_COLON
        # The end of the text helps no one to find what is open.
        or (problem in _UNCLOSED and index >= len(text.rstrip()))
    ):
        mark = opened
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


# --- Plain scalars by the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2) --------------------

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def parse_number(text: str) -> float | None:
    """The number that a plain scalar denotes, or None. A number that is too large is infinite."""
    if not _NUMBER.fullmatch(text):
        return None
    if text.startswith(("0o", "0x")):
        try:
            return float(int(text, 0))
        except OverflowError:
            return math.inf
    if text[-1] in "fFnN":  # Python writes these without the dot
        return float(text.replace(".", ""))
    return float(text)


def parse_boolean(text: str) -> bool | None:
    return text.lower() == "true" if _BOOLEAN.fullmatch(text) else None


def plain_scalar_type(text: str) -> str:
    if _NULL.fullmatch(text):
        return "null"
    if _BOOLEAN.fullmatch(text):
        return "boolean"
    return "text" if parse_number(text) is None else "number"
