"""Bodies of the MoveSpec endpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from detection import CAMERAS, CameraView, RoleName, Validation, View, camera, placed_roles
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.pagination import MAX_PER_PAGE, PageLimit, PageQuery
from kynaplatform.api.schemas import (
    STORABLE,
    Answer,
    Body,
    Name,
    NamedBody,
    OrganizationId,
    ProjectId,
    Timestamp,
    doc,
    from_row,
)
from movespecs.accuracy import AccuracyCard, card_of
from movespecs.drafts import MAX_DESCRIPTION_CHARACTERS, MAX_YAML_BYTES
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Visibility
from movespecs.releases import hash_of

Description = Annotated[
    str, msgspec.Meta(max_length=MAX_DESCRIPTION_CHARACTERS, extra_json_schema=STORABLE)
]
ForkDescription = Annotated[str, msgspec.Meta(max_length=255, extra_json_schema=STORABLE)]
OwnProject = Annotated[UUID | None, doc("The project of your token. You may leave it out.")]
EXAMPLE_YAML = """\
name: squat
version: "1.0"
detection:
  type: repetition
  movement:
    name: squat
    phases:
      - {name: standing, criteria: [{joint: knee, angle_min: 160}]}
      - {name: bottom, criteria: [{joint: knee, angle_max: 100}]}
    sequence: [standing, bottom, standing]
"""


class MoveSpecCreate(NamedBody):
    name: Annotated[Name, doc("What people call it.", "Squat")]
    project_id: OwnProject = None
    description: Annotated[Description | None, doc("A sentence on it.", "Counts squats.")] = None


class MoveSpecEdit(NamedBody):
    """An edit: what is absent stays as it is; a null description clears it."""

    name: Annotated[Name, doc("What people call it.")] | UnsetType = UNSET
    description: Annotated[
        Description | UnsetType | None, doc("A sentence on it; null clears it.")
    ] = UNSET
    visibility: Annotated[
        Visibility | UnsetType,
        doc("`public`: any project finds and forks it. `private`: yours alone.", "public"),
    ] = UNSET


class MoveSpecFork(NamedBody):
    """A fork; with `release` true version 1 is made and released as well."""

    project_id: OwnProject = None
    name: Annotated[Name | None, doc("Left out: the name of the source.")] = None
    description: Annotated[
        ForkDescription | None, doc("Left out: the description of the source.")
    ] = None
    release: Annotated[
        bool, doc("Whether version 1 is made and released at once, so that sessions take it.")
    ] = False


class DraftReplace(Body):
    """The whole YAML: at most 65,536 UTF-8 bytes, valid or not."""

    yaml_source: Annotated[
        str,
        msgspec.Meta(
            description=f"The MoveSpec: at most {MAX_YAML_BYTES:,} bytes of UTF-8.",
            examples=[EXAMPLE_YAML],
            extra_json_schema={"maxLength": MAX_YAML_BYTES, **STORABLE},
        ),
    ]

    def __post_init__(self) -> None:
        if len(self.yaml_source.encode()) > MAX_YAML_BYTES:
            fault = f"This field must be at most {MAX_YAML_BYTES} UTF-8 bytes."
            raise ValidationFailed({"yaml_source": [fault]})


class MoveSpecQuery(PageQuery):
    project_id: Annotated[
        UUID | UnsetType, doc("Only those of this project: of another one the public ones.")
    ] = UNSET
    visibility: Annotated[
        Visibility | UnsetType, doc("Only those that are `public`, or `private`.", "public")
    ] = UNSET
    limit: PageLimit = MAX_PER_PAGE


MoveSpecRef = Annotated[UUID, doc("The MoveSpec.", "5b1cf7c1-2b55-4d0c-8a57-0f5c0c0b7c9e")]
CreatedBy = Annotated[
    UUID | None,
    doc(
        "The credential that made it; null for staff, and for those of other projects.",
        "c0f1d7a2-93a5-4d3b-8a55-64a6f2f8b0d3",
    ),
]
CreatedAt = Annotated[Timestamp, doc("When it was made.", "2026-11-29T09:00:00Z")]
EXAMPLE_CARD = {
    "people": 15,
    "sets": 2,
    "views": ["side", "oblique", "front"],
    "within_one": 0.87,
    "exact": 0.73,
    "f1": 0.95,
    "false_per_minute": 0.06,
    "cannot_see": None,
    "measured_checks": ["depth", "thighs level", "chest up", "off the floor"],
    "experimental": False,
}


class MoveSpecAnswer(Answer):
    movespec_id: MoveSpecRef
    organization_id: OrganizationId
    project_id: ProjectId
    name: Annotated[str, doc("What people call it.", "Squat")]
    description: Annotated[str | None, doc("A sentence on it.", "Counts squats.")]
    visibility: Annotated[Visibility, doc("Who finds it: all projects, or yours.", "private")]
    current_released_version_id: Annotated[
        UUID | None,
        doc(
            "The version that new sessions get; null until one is released.",
            "0b8f7a52-5d0c-4a59-9d39-ff5fd20d7c1e",
        ),
    ]
    forked_from: Annotated[
        UUID | None,
        doc(
            "The MoveSpec that it was forked from; null for others, and for other projects where "
            "that is private.",
            "8f14c9a6-1c5f-5b6e-9b7d-3f0e5d2a7c11",
        ),
    ]
    created_by: CreatedBy
    created_at: CreatedAt
    updated_at: Annotated[Timestamp, doc("When it was last changed.", "2026-11-29T09:12:30Z")]
    archived_at: Annotated[Timestamp | None, doc("When it was archived; null if it was not.", None)]
    delisted_at: Annotated[
        Timestamp | None, doc("When staff took it off the public list; else null.", None)
    ]
    star_count: Annotated[int, doc("Always 0.", 0)]
    accuracy: Annotated[
        AccuracyCard | None,
        doc(
            "How well a movement of the catalogue is counted, or a fork that has released the same "
            "text; null for all others.",
            EXAMPLE_CARD,
        ),
    ]


class DraftAnswer(Answer):
    draft_id: Annotated[UUID, doc("The draft.", "3f0c6b2e-7c0a-4b58-9d52-5f6f2f1d8a04")]
    movespec_id: MoveSpecRef
    yaml_source: Annotated[str, doc("The YAML, as it was put.", EXAMPLE_YAML)]
    updated_by: Annotated[
        UUID | None,
        doc("The credential that put it; null for staff.", "c0f1d7a2-93a5-4d3b-8a55-64a6f2f8b0d3"),
    ]
    updated_at: Annotated[Timestamp, doc("When it was put.", "2026-11-29T09:12:30Z")]


class VersionAnswer(Answer):
    movespec_version_id: Annotated[
        UUID, doc("The version.", "0b8f7a52-5d0c-4a59-9d39-ff5fd20d7c1e")
    ]
    movespec_id: MoveSpecRef
    version_number: Annotated[int, doc("1, 2, … within the MoveSpec.", 1)]
    yaml_source: Annotated[str, doc("The YAML, which never changes.", EXAMPLE_YAML)]
    content_hash: Annotated[
        str,
        doc("The SHA-256 of the YAML, in hex.", hash_of(EXAMPLE_YAML)),
    ]
    created_by: CreatedBy
    created_at: CreatedAt
    withdrawn_at: Annotated[
        Timestamp | None, doc("When staff took it back; null if they did not.", None)
    ]


class ValidationIssue(Answer):
    code: Annotated[str, doc("What is wrong, for programs.", "sequence_open")]
    message: Annotated[str, doc("The same, for people.", "The sequence ends elsewhere.")]
    severity: Annotated[
        Literal["error", "warning"],
        doc("Only an error is in the way of a release.", "warning"),
    ]
    path: Annotated[str | None, doc("Which part of the YAML.", "detection.movement.sequence")]
    line: Annotated[int | None, doc("Its line, from 1.", 10)]
    column: Annotated[int | None, doc("Its column, from 1.", 5)]


class CriterionRole(Answer):
    """What one criterion does to the count: a sentence for people, and from where it is seen."""

    path: Annotated[str, doc("Which criterion of the YAML.")]
    line: Annotated[int, doc("Its line, from 1.")]
    column: Annotated[int, doc("Its column, from 1.")]
    role: Annotated[RoleName, doc("What it does to the count.")]
    sentence: Annotated[str, doc("The same, for people.")]
    view: Annotated[View, doc("From where a camera sees it.")]


class CameraAnswer(Answer):
    """The one camera for the whole movement."""

    view: Annotated[CameraView, doc("Where it stands: `oblique` is at 45°.")]
    sentence: Annotated[str, doc("The same, for people.")]


# Of the squat of the catalogue.
EXAMPLE_ROLES = [
    {
        "path": "detection.movement.phases[0].criteria[2]",
        "line": 37,
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
        "line": 63,
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
    ok: Annotated[bool, doc("Whether there is no error, so that it can be released.", True)]
    target_type: Annotated[Literal["draft", "movespec_version"], doc("What was looked at.")]
    target_id: Annotated[UUID, doc("Its id.", "3f0c6b2e-7c0a-4b58-9d52-5f6f2f1d8a04")]
    validated_at: Annotated[Timestamp, doc("When it was.", "2026-11-29T09:12:31Z")]
    errors: Annotated[list[ValidationIssue], doc("What is in the way of a release.", [])]
    warnings: Annotated[list[ValidationIssue], doc("What may not be meant.", [])]
    roles: Annotated[
        list[CriterionRole],
        doc("What each criterion does, in order; none while there are errors.", EXAMPLE_ROLES),
    ]
    camera: Annotated[
        CameraAnswer | None,
        doc(
            "From where to film; null while there are errors.",
            {"view": "side", "sentence": CAMERAS["side"]},
        ),
    ]


def movespec_response(movespec: MoveSpec, viewer: UUID | None) -> MoveSpecAnswer:
    """`movespec` with its project loaded, as project `viewer` sees it; None: a stranger.

    The wire never says delisted: clients stop on it.
    """
    source = movespec.forked_from
    # Another project learns of no private source.
    is_source_shown = source and (
        source.is_public or viewer in (movespec.project_id, source.project_id)
    )
    return from_row(
        MoveSpecAnswer,
        movespec,
        movespec_id=movespec.id,
        organization_id=movespec.project.organization_id,
        visibility=Visibility.PUBLIC if movespec.is_public else Visibility.PRIVATE,
        created_by=movespec.created_by if movespec.project_id == viewer else None,
        star_count=0,
        forked_from=movespec.forked_from_id if is_source_shown else None,
        accuracy=card_of(movespec),
    )


def draft_response(draft: MoveSpecDraft) -> DraftAnswer:
    return from_row(DraftAnswer, draft, draft_id=draft.id)


def version_response(version: MoveSpecVersion, is_own: bool) -> VersionAnswer:
    """`version` as its own project sees it, or another."""
    author = version.created_by if is_own else None
    return from_row(VersionAnswer, version, movespec_version_id=version.id, created_by=author)


def validation_response(
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
        camera=from_row(CameraAnswer, camera(validation.spec)) if validation.spec else None,
    )
