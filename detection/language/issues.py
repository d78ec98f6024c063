"""The issues of a validation, their codes, and the report that collects them."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]

MAX_ERRORS = 100
QUOTED_CHARACTERS = 40
# Below it a suggestion is a guess: it is difflib's own.
ALIKE = 0.6

ERROR_CODES = {
    "document_too_large": "The text is over 65,536 bytes in UTF-8.",
    "invalid_character": "A character that the text may not have, such as a control character.",
    "yaml_syntax": "The text is not well-formed YAML.",
    "document_empty": "The text has no content.",
    "multiple_documents": "The text has more than one YAML document.",
    "too_deep": "Lists and mappings are nested more than 10 levels deep.",
    "too_many_nodes": "The document has more than 5,000 keys, values, lists and mappings.",
    "directive_not_allowed": "A %TAG directive, or a %YAML directive of a version other than 1.2.",
    "anchor_not_allowed": "An anchor (&name).",
    "alias_not_allowed": "An alias (*name).",
    "tag_not_allowed": "A tag (!name, !!str).",
    "merge_key_not_allowed": "A merge key (<<).",
    "duplicate_key": "A mapping has the same key twice.",
    "invalid_key": "A key is a list or a mapping.",
    "unknown_key": "A key that the language does not have here; a similar one is named, or all.",
    "misplaced_key": "A key of the language that has no place here; the message says where it has.",
    "missing_key": "A required key is missing.",
    "wrong_type": "A mapping, list, text, number, true or false is wanted, not what is given.",
    "too_few_items": "A list has fewer items than it needs.",
    "too_many_items": "A list has more items than it may have.",
    "invalid_name": "A name is empty, too long, or has a character that it may not have.",
    "reserved_name": "A phase has a name that a cue's `when` reserves.",
    "invalid_value": "A value is not one of those allowed.",
    "invalid_length": "A text is too short or too long.",
    "invalid_text": "A text has control characters.",
    "number_out_of_range": "A number is outside its bounds.",
    "missing_bound": "An angle or a time has neither a least nor a greatest bound.",
    "bounds_twice": "Bounds are written in two ways at once.",
    "missing_joint": "What has a side or bounds, or must have them, has neither joint nor lean.",
    "joint_and_lean": "A criterion, a check or a cue has both a joint and a lean.",
    "missing_extreme": "A check has neither least nor most.",
    "least_and_most": "A check or a cue has both least and most.",
    "side_not_allowed": "The lean of the trunk has a side.",
    "named_side": "A movement that counts each side names left, right, both or either.",
    "both_move_conflict": "Both sides must move, and each is counted apart, or a phase names one.",
    "bounds_reversed": "A least bound is above the greatest, or can be by a parameter.",
    "side_conflict": "One phase has front or back and left or right of the same angle.",
    "duplicate_phase": "Two phases have the same name.",
    "duplicate_check": "Two checks have the same name.",
    "unknown_phase": "The sequence, a check or a cue names a phase that there is not.",
    "unknown_check": "A cue names a check that there is not.",
    "unknown_step": "A cue names a step by a phase that is not in the sequence.",
    "repeated_step": "A step repeats the one before it, or would where optional ones are left out.",
    "step_not_allowed": "The first step has within_ms, or the first or the last one is optional.",
    "criterion_not_allowed": "A cue that is not on a phase has a criterion.",
    "reason_not_allowed": "A cue has a reason, and is not on interrupted or not_ready.",
    "detail_not_allowed": "A cue has a detail or a step, and no reason that has one.",
    "form_not_allowed": "A cue has a form, and is not on completed.",
    "too_many_cues": "A phase has more than 4 cues that name no joint or lean: all fire on entry.",
    "unknown_parameter": "A $name is not among the parameters; the nearest is named.",
    "parameter_out_of_range": "A parameter may become a number that is not allowed where it is.",
    "default_out_of_bounds": "The default of a parameter is not from its min to its max.",
    "roles_change": "A parameter changes what carries the movement.",
    "too_many_errors": "There are over 100 errors; 99 of them are listed.",
}
WARNING_CODES = {
    "unused_phase": "A phase that the sequence never uses.",
    "overlapping_phases": "Two phases that can hold at once.",
    "narrow_phase": "A phase between two others is passed faster than it can be entered.",
    "unused_parameter": "A parameter that nothing uses.",
    "unused_tolerance": "A tolerance of what carries, outside a strict phase.",
    "hidden_side": "A gate or a condition asks for both sides where the view hides one.",
    "nothing_carries": "No angle carries the movement, so nothing tells how far the person went.",
    "tempo_not_judged": "Nothing carries the movement to the last step, so tempo times no way.",
    "cue_never_sent": "A cue waits for what the setup leaves out, or for form without checks.",
    "views_disagree": "No camera sees all that is asked for, or not from the setup's view.",
    "sequence_not_closed": "A sequence of over two steps does not end where it began.",
}
ISSUE_CODES = ERROR_CODES | WARNING_CODES
"""Every code an Issue can have, with one line of meaning."""


class Mark(NamedTuple):
    """A place in the source, both counted in characters from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. `line` and `column` count characters from 1 and are None, like `path`, where
    the finding concerns the text as a whole."""

    code: str
    message: str
    severity: Severity
    path: str | None
    line: int | None
    column: int | None


class Report:
    """The collected issues. `marks` has the place of the node of each path. `freed_words` are
    reserved words that this document may use as its own."""

    def __init__(self, freed_words: frozenset[str] = frozenset()) -> None:
        self.freed_words = freed_words
        self.marks: dict[str, Mark] = {}
        self.is_full = False
        self._errors: list[Issue] = []

    def error(
        self, code: str, message: str, path: str | None = None, mark: Mark | None = None
    ) -> None:
        if len(self._errors) == MAX_ERRORS:
            self.is_full = True
        else:
            self._errors.append(self.issue(code, message, "error", path, mark))

    def errors(self) -> tuple[Issue, ...]:
        errors = in_order(self._errors)
        if self.is_full:
            message = f"There are more errors; {MAX_ERRORS - 1} of them are listed."
            return *errors[:-1], Issue("too_many_errors", message, "error", None, None, None)
        return errors

    def issue(
        self,
        code: str,
        message: str,
        severity: Severity,
        path: str | None,
        mark: Mark | None = None,
    ) -> Issue:
        if mark is None and path is not None:
            mark = self.marks.get(path)
        line, column = mark or (None, None)
        return Issue(code, message, severity, path, line, column)


def in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """The issues in the order of the text."""
    return tuple(sorted(issues, key=lambda issue: (issue.line or 0, issue.column or 0)))


def quote(text: str) -> str:
    """The text as a message shows it: one line, short, nothing invisible."""
    head = text[:QUOTED_CHARACTERS]
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in head)
    return f'"{visible}{"…" if len(text) > QUOTED_CHARACTERS else ""}"'


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known word most like the text; None when none is like it.

    Alike are words of which at least ALIKE is the same, as difflib measures it: twice the
    characters in common, over the characters of both.
    """
    by_lowercase = {word.lower(): word for word in known}
    # The cut bounds difflib's work on a key of many kilobytes.
    found = get_close_matches(text[:64].lower(), by_lowercase, n=1, cutoff=ALIKE)
    return by_lowercase[found[0]] if found else None
