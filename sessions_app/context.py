"""The context of a session: what its create says of whom it is for, and of how it counts.

`subject` and `metadata` are the customer's own, which the platform keeps and never goes by. Neither
is in a log line, a metric, a trace or a token.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final
from uuid import UUID

from detection import ParameterInvalid, check_parameters
from kynaplatform.api.errors import ValidationFailed
from sessions_app.version_specs import validation_of_version

CONTEXT: Final = ("parameters", "subject", "metadata", "locale")
MAX_PARAMETERS: Final = 16
MAX_NOTES: Final = 16
MAX_NOTE_CHARACTERS: Final = 500
MAX_METADATA_BYTES: Final = 4096
MAX_LOCALE_CHARACTERS: Final = 100

SUBJECT: Final = r"[A-Za-z0-9_-]{1,128}"
NOTE_NAME: Final = r"[A-Za-z0-9_.-]{1,40}"
PARAMETER_NAME: Final = r"[a-z][a-z0-9_]{0,39}"
# The well-formed tags of RFC 5646, section 2.1. A part is told from the next by its length and
# its first character, so there is one way to read a tag.
LOCALE: Final = (
    r"([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})"  # the language, with extended ones
    r"(-[A-Za-z]{4})?"  # the script
    r"(-([A-Za-z]{2}|[0-9]{3}))?"  # the region
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*"  # extensions
    r"(-[Xx](-[A-Za-z0-9]{1,8})+)?"  # what is agreed in private
    r"|[Xx](-[A-Za-z0-9]{1,8})+"
)
# The tags from before that grammar which do not fit it.
_GRANDFATHERED: Final = frozenset(
    {
        "en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux",
        "i-mingo", "i-navajo", "i-pwn", "i-tao", "i-tay", "i-tsu", "sgn-be-fr", "sgn-be-nl",
        "sgn-ch-de",
    }
)  # fmt: skip
_SUBJECT = re.compile(SUBJECT)
_NOTE_NAME = re.compile(NOTE_NAME)
_PARAMETER_NAME = re.compile(PARAMETER_NAME)
_LOCALE = re.compile(LOCALE)


def require_context(
    *,
    parameters: Mapping[str, float] | None = None,
    subject: str | None = None,
    metadata: Mapping[str, str] | None = None,
    locale: str | None = None,
) -> None:
    """Raise ValidationFailed for what no session may have, whatever its version."""
    faults = dict(_faults_of_parameters(parameters or {}))
    if subject is not None and (fault := fault_of_subject(subject)):
        faults["subject"] = fault
    faults |= _faults_of_metadata(metadata or {})
    if locale is not None and not _is_locale(locale):
        faults["locale"] = "This field must be the tag of a language, such as de or pt-BR."
    if faults:
        raise ValidationFailed({field: [fault] for field, fault in faults.items()})


def require_parameters(version_id: UUID, parameters: Mapping[str, float]) -> None:
    """Raise ValidationFailed for a number that the version does not take."""
    try:
        check_parameters(validation_of_version(version_id), parameters)
    except ParameterInvalid as invalid:
        raise ValidationFailed({f"parameters.{invalid.name}": [invalid.message]}) from None


def fault_of_subject(subject: str) -> str | None:
    if _SUBJECT.fullmatch(subject):
        return None
    return "This field must be an id of 1 to 128 letters of A to Z, digits, _ and -."


def _faults_of_parameters(parameters: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    if len(parameters) > MAX_PARAMETERS:
        yield "parameters", f"This field must have at most {MAX_PARAMETERS} numbers."
    elif not all(map(_PARAMETER_NAME.fullmatch, parameters)):
        yield "parameters", "This field has a name that no parameter may have."
    else:
        for name, number in parameters.items():
            if not isfinite(number):
                yield f"parameters.{name}", "This field must be a number that a double holds."


def _faults_of_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    if len(metadata) > MAX_NOTES:
        return {"metadata": f"This field must have at most {MAX_NOTES} texts."}
    if not all(map(_NOTE_NAME.fullmatch, metadata)):
        return {"metadata": "A name must have 1 to 40 letters of A to Z, digits, _, . and -."}
    faults = {
        f"metadata.{name}": f"This field must be a string of at most {MAX_NOTE_CHARACTERS} "
        f"characters, not one of {len(text)}."
        for name, text in metadata.items()
        if len(text) > MAX_NOTE_CHARACTERS
    }
    if not faults and _bytes_of(metadata) > MAX_METADATA_BYTES:
        return {"metadata": f"Names and texts must have at most {MAX_METADATA_BYTES:,} bytes."}
    return faults


def _bytes_of(metadata: Mapping[str, Any]) -> int:
    # What no UTF-8 has is refused later.
    return sum(len(f"{name}{text}".encode(errors="replace")) for name, text in metadata.items())


def _is_locale(tag: str) -> bool:
    if len(tag) > MAX_LOCALE_CHARACTERS:
        return False
    return bool(_LOCALE.fullmatch(tag)) or tag.lower() in _GRANDFATHERED
