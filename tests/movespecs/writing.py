"""YAML and rows that the tests of MoveSpecs start from."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft
from movespecs.releases import version_withdraw
from projects.models import Project
from tests.conftest import VALID_YAML

SECOND_YAML = VALID_YAML.replace("angle_max: 100", "angle_max: 90")
THIRD_YAML = VALID_YAML.replace("angle_max: 100", "angle_max: 80")
# Its one error is on line 4: a type that there is not.
INVALID_YAML = VALID_YAML.replace("type: repetition", "type: balance")
# Of VALID_YAML.
ROLES = [
    {
        "path": "detection.movement.phases[0].criteria[0]",
        "line": 10,
        "column": 13,
        "role": "carries",
        "sentence": (
            'The knee at 160° or more is the high end of the movement, "standing": the first'
            " repetition must come 60° from the other end, later ones 60 % of the person's usual"
            " way, and each at least 30°."
        ),
        "view": "side",
    },
    {
        "path": "detection.movement.phases[1].criteria[0]",
        "line": 13,
        "column": 13,
        "role": "carries",
        "sentence": (
            'The knee at 100° or less is the low end of the movement, "bottom": the first'
            " repetition must come 60° from the other end, later ones 60 % of the person's usual"
            " way, and each at least 30°; less than 60° counts too."
        ),
        "view": "side",
    },
]
CAMERA = {"view": "side", "sentence": "Film from the side, within 30°."}
BEGUN = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)


def make_movespec(
    project: Project, yaml_source: str = "", minute: int = 0, **more: Any
) -> MoveSpec:
    """A MoveSpec with a draft and no version, created `minute` minutes after BEGUN."""
    created_at = BEGUN + timedelta(minutes=minute)
    movespec = MoveSpec.objects.create(
        **{"name": "Squat", "project": project, "created_at": created_at, **more},
        updated_at=created_at,
    )
    MoveSpecDraft.objects.create(movespec=movespec, yaml_source=yaml_source, updated_at=created_at)
    return movespec


def withdraw(movespec_id: UUID, version_id: UUID, replacement_id: UUID | None = None) -> None:
    version_withdraw(
        movespec_id=movespec_id,
        version_id=version_id,
        replacement_id=replacement_id,
        author=PLATFORM,
        now=BEGUN,
    )


def archive(movespec: MoveSpec) -> None:
    MoveSpec.objects.filter(id=movespec.id).update(archived_at=BEGUN)


def delist(movespec: MoveSpec) -> None:
    MoveSpec.objects.filter(id=movespec.id).update(delisted_at=BEGUN)


def nowhere() -> UUID:
    return uuid.uuid4()
