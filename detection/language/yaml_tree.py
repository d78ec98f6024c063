"""The tree of nodes of a YAML text, each with its place, made from libyaml's events.

Nothing is composed or constructed. Anchors, aliases and tags are refused as they come, and depth
and size are bounded on the way. So no text costs more than its length.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Literal, cast

import yaml

from detection.language.issues import Mark, Report, quote
from detection.language.yaml_text import mark_at, readable_text, report_syntax_error

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


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read. `key` is the key that waits for its value."""

    node: Node
    path: str
    key: Node | None = None


class _Stop(Exception):
    pass


def read_document(yaml_source: str, report: Report) -> Node | None:
    """The root node of the one document in the text. None when there is no tree: the report says
    why. With a tree, the report may have errors too."""
    text = readable_text(yaml_source, report)
    if text is None:
        return None
    reader = _Reader(text, report)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            reader.read(event)
    except _Stop:
        return None
    except yaml.YAMLError as error:
        report_syntax_error(text, error, report)
        return None
    root = reader.root
    if root is None or (root.is_plain and not root.text):
        report.error("document_empty", "The text has no content.", mark=Mark(1, 1))
        return None
    return root


def child_path(path: str, key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum() and len(key) <= 64
    shown = key if plain else quote(key)
    return f"{path}.{shown}" if path else shown


class _Reader:
    def __init__(self, text: str, report: Report) -> None:
        self.root: Node | None = None
        self._text = text
        self._report = report
        self._open: list[_Open] = []
        self._node_count = 0
        self._document_count = 0

    def read(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.ScalarEvent():
                self._check_properties(event)
                self._add(Node("scalar", self._mark(event), event.value, not event.style))
            case yaml.SequenceStartEvent():
                self._check_properties(event)
                self._enter(Node("list", self._mark(event)))
            case yaml.MappingStartEvent():
                self._check_properties(event)
                self._enter(Node("mapping", self._mark(event)))
            case yaml.AliasEvent():
                self._report_node(event, "alias_not_allowed", "Aliases (*name) are not allowed.")
                self._add(Node("refused", self._mark(event)))
            case yaml.CollectionEndEvent():
                self._open.pop()

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._document_count += 1
        if self._document_count > 1:
            message = "A second document begins here; a text has one."
            self._report.error("multiple_documents", message, mark=self._mark(event))
            raise _Stop
        if event.tags or event.version not in (None, (1, 2)):
            message = "Only the directive %YAML 1.2 is allowed."
            self._report.error("directive_not_allowed", message, mark=self._mark(event))

    def _check_properties(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            self._report_node(event, "anchor_not_allowed", "Anchors (&name) are not allowed.")
        if getattr(event, "tag", None) is not None:
            self._report_node(event, "tag_not_allowed", "Tags (!name) are not allowed.")

    def _report_node(self, event: yaml.Event, code: str, message: str) -> None:
        self._report.error(code, message, self._next_path() or None, self._mark(event))

    def _mark(self, event: yaml.Event) -> Mark:
        start = cast(yaml.Mark, event.start_mark)
        if start.index >= len(self._text):
            # libyaml puts the end of a text without a last line break onto a line of its own.
            return mark_at(self._text, len(self._text))
        return Mark(start.line + 1, start.column + 1)

    def _next_path(self) -> str:
        """The path of the next node; a key has the path of its mapping."""
        if not self._open:
            return ""
        parent = self._open[-1]
        if parent.node.kind == "list":
            return f"{parent.path}[{len(parent.node.items)}]"
        return child_path(parent.path, parent.key.text) if parent.key else parent.path

    def _enter(self, node: Node) -> None:
        if len(self._open) >= MAX_DEPTH:
            message = f"Lists and mappings may be nested {MAX_DEPTH} levels deep at most."
            self._report.error("too_deep", message, mark=node.mark)
            raise _Stop
        path = self._next_path()
        self._add(node)
        self._open.append(_Open(node, path))

    def _add(self, node: Node) -> None:
        self._node_count += 1
        if self._node_count > MAX_NODES:
            message = f"The document has more than {MAX_NODES:,} keys, values, lists and mappings."
            self._report.error("too_many_nodes", message, mark=node.mark)
            raise _Stop
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.node.kind == "list":
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
            self._check_key(node, parent)
        else:
            if parent.key.kind == "scalar" and not _is_merge_key(parent.key):
                parent.node.entries.setdefault(parent.key.text, (parent.key, node))
            parent.key = None

    def _check_key(self, key: Node, parent: _Open) -> None:
        if key.kind in ("list", "mapping"):
            message = "A key must be text: put what begins with [ or { in quotes."
            self._report.error("invalid_key", message, parent.path or None, key.mark)
            raise _Stop
        path = child_path(parent.path, key.text)
        if _is_merge_key(key):
            message = "Merge keys (<<) are not allowed."
            self._report.error("merge_key_not_allowed", message, path, key.mark)
        elif key.kind == "scalar" and key.text in parent.node.entries:
            first = parent.node.entries[key.text][0].mark
            message = f"The key {quote(key.text)} is here a second time; line {first.line} has it."
            self._report.error("duplicate_key", message, path, key.mark)


def _is_merge_key(key: Node) -> bool:
    return key.is_plain and key.text == _MERGE_KEY


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
