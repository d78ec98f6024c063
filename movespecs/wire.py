"""Bodies of the MoveSpec endpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from detection import RoleName, Validation, View, placed_roles
from kynaplatform.api.pagination import MOST_PER_PAGE, PageLimit, PageQuery
from kynaplatform.api.wire import Answer, Body, Name, NamedBody, Timestamp, from_row
from movespecs.accuracy import AccuracyCard, accuracy_cards
from movespecs.drafts import MOST_DESCRIPTION_CHARACTERS
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Visibility

Description = Annotated[str, msgspec.Meta(max_length=MOST_DESCRIPTION_CHARACTERS)]
ForkDescription = Annotated[str, msgspec.Meta(max_length=255)]


class MoveSpecCreate(NamedBody):
    name: Name
    project_id: UUID | None = None
    description: Description | None = None


class MoveSpecEdit(NamedBody):
    """An edit: what is absent stays as it is; a null description clears it."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET


class MoveSpecFork(NamedBody):
    """A fork; with `release` true version 1 is made and released as well."""

    project_id: UUID | None = None
    name: Name | None = None
    description: ForkDescription | None = None
    release: bool = False


class DraftReplace(Body):
    """The whole YAML: at most 65,536 UTF-8 bytes, valid or not."""

    yaml_source: str


class MoveSpecQuery(PageQuery):
    project_id: UUID | msgspec.UnsetType = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET
    limit: PageLimit = MOST_PER_PAGE


EXAMPLE_CARD = {
    "people": 15,
    "sets": 2,
    "views": ["side", "oblique", "front"],
    "within_one": 0.87,
    "exact": 0.73,
    "f1": 0.95,
    "false_per_minute": 0.06,
    "cannot_see": None,
}


class MoveSpecAnswer(Answer):
    movespec_id: UUID
    organization_id: UUID
    project_id: UUID
    name: str
    description: str | None
    visibility: Visibility
    current_released_version_id: UUID | None
    created_by: UUID | None
    created_at: Timestamp
    updated_at: Timestamp
    archived_at: Timestamp | None
    delisted_at: Timestamp | None
    star_count: int
    accuracy: Annotated[
        AccuracyCard | None,
        msgspec.Meta(
            description="How well a movement of the catalogue is counted; null for all others.",
            examples=[EXAMPLE_CARD],
        ),
    ]


class DraftAnswer(Answer):
    draft_id: UUID
    movespec_id: UUID
    yaml_source: str
    updated_by: UUID | None
    updated_at: Timestamp


class VersionAnswer(Answer):
    movespec_version_id: UUID
    movespec_id: UUID
    version_number: int
    yaml_source: str
    content_hash: str
    created_by: UUID | None
    created_at: Timestamp
    withdrawn_at: Timestamp | None


class ValidationIssue(Answer):
    code: str
    message: str
    severity: Literal["error", "warning"]
    path: str | None
    line: int | None
    column: int | None


class CriterionRole(Answer):
    """What one criterion does to the count: a sentence for people, and from where it is seen."""

    path: str
    line: int
    column: int
    role: RoleName
    sentence: str
    view: View


# Of the squat of the catalogue.
EXAMPLE_ROLES = [
    {
        "path": "detection.movement.phases[0].criteria[2]",
        "line": 25,
        "column": 13,
        "role": "condition",
        "sentence": (
            'The trunk must lean by 60° or less for "standing" to begin; more than 65° for 0.15 s,'
            " at any time, breaks the repetition off."
        ),
        "view": "side",
    },
    {
        "path": "detection.movement.feedback[0]",
        "line": 41,
        "column": 9,
        "role": "cue",
        "sentence": (
            'The message is sent once in each stay in "bottom", as soon as the knee is at 90° or'
            " less."
        ),
        "view": "side",
    },
]


class ValidationResult(Answer):
    ok: bool
    target_type: Literal["draft", "movespec_version"]
    target_id: UUID
    validated_at: Timestamp
    errors: list[ValidationIssue]
    warnings: list[ValidationIssue]
    roles: Annotated[
        list[CriterionRole],
        msgspec.Meta(
            description="What each criterion does, in order; none while there are errors.",
            examples=[EXAMPLE_ROLES],
        ),
    ]


def present_movespec(movespec: MoveSpec, viewer: UUID | None) -> MoveSpecAnswer:
    """`movespec` with its project loaded, as project `viewer` sees it; None: a stranger.

    The wire never says delisted: clients stop on it.
    """
    return from_row(
        MoveSpecAnswer,
        movespec,
        movespec_id=movespec.id,
        organization_id=movespec.project.organization_id,
        visibility=Visibility.PUBLIC if movespec.is_public else Visibility.PRIVATE,
        created_by=movespec.created_by if movespec.project_id == viewer else None,
        star_count=0,
        accuracy=accuracy_cards().get(movespec.id),
    )


def present_draft(draft: MoveSpecDraft) -> DraftAnswer:
    return from_row(DraftAnswer, draft, draft_id=draft.id)


def present_version(version: MoveSpecVersion, is_own: bool) -> VersionAnswer:
    """`version` as its own project sees it, or another."""
    author = version.created_by if is_own else None
    return from_row(VersionAnswer, version, movespec_version_id=version.id, created_by=author)


def present_validation(
    validation: Validation,
    target_type: Literal["draft", "movespec_version"],
    target_id: UUID,
    now: datetime,
) -> ValidationResult:
    return ValidationResult(
        ok=validation.ok,
        target_type=target_type,
        target_id=target_id,
        validated_at=now,
        errors=msgspec.convert(validation.errors, list[ValidationIssue], from_attributes=True),
        warnings=msgspec.convert(validation.warnings, list[ValidationIssue], from_attributes=True),
        roles=[
            from_row(CriterionRole, role, **mark._asdict())
            for role, mark in placed_roles(validation)
        ],
    )
