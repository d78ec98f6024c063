"""The syntax errors of libyaml, in sentences that the author of a MoveSpec can act on."""

import yaml

from detection.language.issues import Mark, Report, quote
from detection.language.missing_colons import (
    KeyWithoutColon,
    is_key,
    key_at,
    key_before,
    key_of_bracket,
    missing_colon,
)
from detection.language.yaml_text import mark_at

_NO_COLON = "could not find expected ':'"
# What libyaml says of a line after one that lacks its colon, and of other faults.
_MAY_BE_NO_COLON = {
    "mapping values are not allowed in this context",
    "did not find expected key",
    "did not find expected '-' indicator",
    "did not find expected <document start>",
}
_NESTING = "exceeded maximum nesting depth"
_CANNOT_START = "found character that cannot start any token"
_UNCLOSED = {
    "did not find expected ',' or ']'": "The list opened at {0} lacks a comma or its ].",
    "did not find expected ',' or '}'": "The mapping opened at {0} lacks a comma or its }}.",
    "found unexpected end of stream": "The quote opened at {0} is never closed.",
}
_ADVICE = {
    "mapping values are not allowed in this context": (
        "A colon cannot stand here: check the indentation, or put a text with a colon in quotes."
    ),
    "did not find expected key": (
        "A key was expected here: check the indentation, and the quotes of the text before it."
    ),
    "did not find expected '-' indicator": (
        "An item of the list (- ) was expected here: check the indentation."
    ),
    "block sequence entries are not allowed in this context": (
        "An item of a list (- ) cannot begin here: put it on a line of its own."
    ),
    _NO_COLON: "A key lacks its colon here, or an item of a list its dash.",
    "did not find expected <document start>": (
        "The document has ended before this: check the indentation and the quotes."
    ),
    "did not find expected node content": "A value was expected here.",
    "found unknown escape character": (
        "Unknown escape: write a backslash in double quotes twice, or use single quotes."
    ),
    "found invalid Unicode character escape code": "The escape is not a Unicode character.",
    "found a tab character that violates indentation": "Indent with spaces, not with tabs.",
    "found a tab character where an indentation space is expected": (
        "Indent with spaces, not with tabs."
    ),
    "found incompatible YAML document": "Only the directive %YAML 1.2 is allowed.",
    "found unknown directive name": "Only the directive %YAML 1.2 is allowed.",
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
    problem_mark = getattr(error, "problem_mark", None)
    context_mark = getattr(error, "context_mark", None)
    index = _index_within(text, problem_mark)
    opened = mark_at(text, _index_within(text, context_mark)) if context_mark else None
    mark = mark_at(text, index)
    if problem == _NO_COLON and opened:
        mark = opened
    if index >= len(text.rstrip()) and opened and problem in _UNCLOSED:
        # The end of the text helps no one to find what was left open.
        mark = opened
    if (key := _key_without_colon(text, problem, mark, opened)) is not None:
        report.error("yaml_syntax", missing_colon(key.text), mark=key.mark)
        return
    code = _CODES.get(problem, "yaml_syntax")
    report.error(code, _sentence(problem, text[index : index + 1], opened), mark=mark)


def _key_without_colon(
    text: str, problem: str, mark: Mark, context: Mark | None
) -> KeyWithoutColon | None:
    found = None
    if problem == _NO_COLON and context is not None:
        found = key_at(text, context)
    elif problem in _UNCLOSED:
        found = key_of_bracket(text, mark)
    elif problem in _MAY_BE_NO_COLON:
        found = key_before(text, mark)
    return found if found is not None and is_key(found.text) else None


def _sentence(problem: str, character: str, opened: Mark | None) -> str:
    if problem == _CANNOT_START and character == "\t":
        return "Indent with spaces, not with tabs."
    if problem == _CANNOT_START and character:
        return f"A text cannot begin with {quote(character)}: put it in quotes."
    if problem in _UNCLOSED and opened:
        return _UNCLOSED[problem].format(f"line {opened.line}, column {opened.column}")
    return _ADVICE.get(problem) or f"The text is not well-formed YAML: {problem}."


def _index_within(text: str, mark: object) -> int:
    index = getattr(mark, "index", 0)
    return min(max(int(index), 0), len(text))
