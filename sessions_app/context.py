"""The context of a session: what its create says it is for, and the MoveSpec that counts in it.

`subject` and `metadata` are the customer's own: the platform stores them and acts on neither. They
are in no log line, metric, trace or token. The MoveSpecs of versions, which never change, are kept
compiled.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Annotated, Final
from uuid import UUID

import msgspec

import detection
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import STORABLE, doc
from movespecs.catalogue import MOVEMENT, catalogue_reference
from movespecs.models import MoveSpecVersion
from sessions_app.models import DetectionSession

MAX_PARAMETERS: Final = 16
MAX_NOTES: Final = 16
MAX_NOTE_CHARACTERS: Final = 500
MAX_METADATA_BYTES: Final = 4096
MAX_LOCALE_CHARACTERS: Final = 100

SUBJECT: Final = r"[A-Za-z0-9_-]{1,128}"
NOTE_NAME: Final = r"[A-Za-z0-9_.-]{1,40}"
PARAMETER_NAME: Final = r"[a-z][a-z0-9_]{0,39}"
# The well-formed tags of RFC 5646, section 2.1. The length and first character of a part decide
# what it is, so there is one way to read a tag.
LOCALE: Final = (
    r"([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})"  # the language, with extended ones
    r"(-[A-Za-z]{4})?"  # the script
    r"(-([A-Za-z]{2}|[0-9]{3}))?"  # the region
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*"  # extensions
    r"(-[Xx](-[A-Za-z0-9]{1,8})+)?"  # private use
    r"|[Xx](-[A-Za-z0-9]{1,8})+"
)
_LOCALE = re.compile(LOCALE)
# Older tags that do not fit that grammar.
_GRANDFATHERED: Final = frozenset(
    {
        "en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux",
        "i-mingo", "i-navajo", "i-pwn", "i-tao", "i-tay", "i-tsu", "sgn-be-fr", "sgn-be-nl",
        "sgn-ch-de",
    }
)  # fmt: skip


def _text(pattern: str, **more: int) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"pattern": f"^{pattern}$", **more})


def _named(most: int, names: str, **more: object) -> msgspec.Meta:
    names_schema = {"pattern": f"^{names}$"}
    return msgspec.Meta(
        extra_json_schema={"maxProperties": most, "propertyNames": names_schema, **more}
    )


_NOTE: Final = {"type": "string", "maxLength": MAX_NOTE_CHARACTERS, **STORABLE}
Movement = Annotated[str, _text(MOVEMENT)]
Parameters = Annotated[dict[str, float], _named(MAX_PARAMETERS, PARAMETER_NAME)]
Subject = Annotated[str, _text(SUBJECT)]
Metadata = Annotated[dict[str, str], _named(MAX_NOTES, NOTE_NAME, additionalProperties=_NOTE)]
Locale = Annotated[str, _text(f"({LOCALE})", maxLength=MAX_LOCALE_CHARACTERS)]


class Target(msgspec.Struct, omit_defaults=True, frozen=True):
    """What ends a session: either of the two.

    No frame after the one that reaches it is accepted, so the count doesn't depend on the batches.
    """

    repetitions: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None,
        doc("Completed repetitions, over all sides.", 10),
    ] = None
    hold_ms: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=86_400_000)] | None,
        doc("Milliseconds of one hold without a break that ends it.", 30_000),
    ] = None

    def __post_init__(self) -> None:
        if (self.repetitions is None) is (self.hold_ms is None):
            raise ValidationFailed({"target": ["Send either repetitions or hold_ms."]})


class Landmarker(msgspec.Struct, frozen=True):
    """What finds the person in each picture. It changes nothing that is counted."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=80,
            pattern=r"^[A-Za-z0-9_./@ -]*\Z",
            description="Its name, and version if you like.",
            examples=["@mediapipe/pose 0.5"],
        ),
    ]
    visibility: Annotated[bool, doc("Whether it says how visible each landmark is.", True)]


def require_context(
    *,
    movement: str | None = None,
    parameters: Mapping[str, float] | None = None,
    subject: str | None = None,
    metadata: Mapping[str, str] | None = None,
    locale: str | None = None,
) -> None:
    """Raise ValidationFailed for a context that no version accepts."""
    faults = _faults_of_parameters(parameters or {})
    if movement is not None and catalogue_reference(movement) is None:
        faults["movement"] = "This field must be catalogue/NAME or catalogue/NAME@N."
    if subject is not None and (fault := fault_of_subject(subject)):
        faults["subject"] = fault
    faults |= _faults_of_metadata(metadata or {})
    if locale is not None and (
        len(locale) > MAX_LOCALE_CHARACTERS
        or not (_LOCALE.fullmatch(locale) or locale.lower() in _GRANDFATHERED)
    ):
        faults["locale"] = "This field must be the tag of a language, such as de or pt-BR."
    if faults:
        raise ValidationFailed({field: [fault] for field, fault in faults.items()})


def require_parameters(version_id: UUID, parameters: Mapping[str, float]) -> None:
    """Raise ValidationFailed for a number that the version does not accept."""
    try:
        detection.check_parameters(validation_of_version(version_id), parameters)
    except detection.ParameterInvalid as invalid:
        raise ValidationFailed({f"parameters.{invalid.name}": [invalid.message]}) from None


def require_target(version_id: UUID, target: Target) -> None:
    """Raise ValidationFailed for a target of holds where the version counts repetitions."""
    if target.hold_ms is not None and spec_of_version(version_id).type != "hold":
        raise ValidationFailed({"target.hold_ms": ["This movement is not a hold."]})


def fault_of_subject(subject: str) -> str | None:
    if re.fullmatch(SUBJECT, subject):
        return None
    return "This field must be an id of 1 to 128 letters of A to Z, digits, _ and -."


def _faults_of_parameters(parameters: Mapping[str, float]) -> dict[str, str]:
    if len(parameters) > MAX_PARAMETERS:
        return {"parameters": f"This field must have at most {MAX_PARAMETERS} numbers."}
    if not all(re.fullmatch(PARAMETER_NAME, name) for name in parameters):
        return {"parameters": "This field has a name that no parameter may have."}
    infinite = [name for name, number in parameters.items() if not isfinite(number)]
    fault = "This field must be a number that a double holds."
    return {f"parameters.{name}": fault for name in infinite}


def _faults_of_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    if len(metadata) > MAX_NOTES:
        return {"metadata": f"This field must have at most {MAX_NOTES} texts."}
    if not all(re.fullmatch(NOTE_NAME, name) for name in metadata):
        return {"metadata": "A name must have 1 to 40 letters of A to Z, digits, _, . and -."}
    faults = {
        f"metadata.{name}": f"This field must be a string of at most {MAX_NOTE_CHARACTERS} "
        f"characters, not one of {len(text)}."
        for name, text in metadata.items()
        if len(text) > MAX_NOTE_CHARACTERS
    }
    # Text that is no UTF-8 is refused later.
    size = sum(len(f"{name}{text}".encode(errors="replace")) for name, text in metadata.items())
    if not faults and size > MAX_METADATA_BYTES:
        return {"metadata": f"Names and texts must have at most {MAX_METADATA_BYTES:,} bytes."}
    return faults


MAX_SPECS = 256
# A validation takes several times the memory of its MoveSpec.
MAX_VALIDATIONS = 64


def spec_of_session(session: DetectionSession) -> detection.MoveSpec:
    """The MoveSpec that counts in a session: with its parameters, and messages of its locale.

    One with parameters or a locale is not cached: there may be as many as sessions. Raises
    MoveSpecInvalid if the language no longer accepts the version's text.
    """
    version_id, parameters = session.resolved_version_id, session.parameters or {}
    if not parameters and session.locale is None:
        return spec_of_version(version_id)
    return validation_of_version(version_id).spec_with(parameters, session.locale)


@lru_cache(maxsize=MAX_SPECS)
def spec_of_version(version_id: UUID) -> detection.MoveSpec:
    """The MoveSpec of a version with its parameters' defaults. Raises MoveSpecInvalid."""
    return detection.compile(_text_of(version_id))


@lru_cache(maxsize=MAX_VALIDATIONS)
def validation_of_version(version_id: UUID) -> detection.Validation:
    """Raises MoveSpecInvalid."""
    validation = detection.validate(_text_of(version_id), is_new=False)
    if not validation.ok:
        raise detection.MoveSpecInvalid(validation.errors)
    return validation


def _text_of(version_id: UUID) -> str:
    return MoveSpecVersion.objects.only("yaml_source").get(id=version_id).yaml_source
