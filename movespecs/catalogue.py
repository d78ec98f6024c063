"""The public catalogue: MoveSpecs that ship with the platform, released for every project."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction

from detection import validate
from movespecs.drafts import draft_replace
from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft, Visibility
from movespecs.releases import version_create, version_release
from projects.models import Organization, Project

# Ids of the catalogue are the same on every installation.
NAMESPACE = UUID("8a6f2f8e-2a53-5d7c-9c2b-0d2f8f0f6f11")
CATALOGUE_ORGANIZATION = uuid5(NAMESPACE, "organization")
CATALOGUE_PROJECT = uuid5(NAMESPACE, "project")
FOLDER: Path = settings.BASE_DIR / "examples" / "movespecs"
MOVEMENT: Final = r"catalogue/([a-z0-9-]{1,100})(?:@([1-9][0-9]{0,8}))?"


class CatalogueReference(NamedTuple):
    """A MoveSpec of the catalogue, and the number of one of its versions or None."""

    movespec_id: UUID
    number: int | None


def catalogue_id(slug: str) -> UUID:
    return uuid5(NAMESPACE, f"movespec/{slug}")


def catalogue_reference(movement: str) -> CatalogueReference | None:
    """What `catalogue/NAME` or `catalogue/NAME@N` refers to; None for a text of another form."""
    match = re.fullmatch(MOVEMENT, movement)
    if match is None:
        return None
    slug, number = match.groups()
    return CatalogueReference(catalogue_id(slug), int(number) if number else None)


def catalogue_slugs(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def catalogue_text(slug: str, folder: Path = FOLDER) -> str:
    return (folder / f"{slug}.yaml").read_text(encoding="utf-8")


def catalogue_load(*, now: datetime, folder: Path = FOLDER) -> list[tuple[MoveSpec, bool]]:
    """Release every `*.yaml` of `folder` as a public MoveSpec, and whether it has a new version.

    A changed file becomes a new version; an unchanged one changes nothing, so a version that
    staff rolled back to stays, as does what they archived.
    """
    organization, _ = Organization.objects.get_or_create(
        id=CATALOGUE_ORGANIZATION, defaults={"name": "Catalogue"}
    )
    project, _ = Project.objects.get_or_create(
        id=CATALOGUE_PROJECT,
        defaults={"name": "Public catalogue", "organization": organization},
    )
    return [_release(slug, folder, project, now) for slug in catalogue_slugs(folder)]


def _release(slug: str, folder: Path, project: Project, now: datetime) -> tuple[MoveSpec, bool]:
    yaml_source = catalogue_text(slug, folder)
    spec = validate(yaml_source).spec
    if spec is None:
        raise ValueError(f"{slug}.yaml is not a valid MoveSpec")
    with transaction.atomic():
        movespec, is_new = MoveSpec.objects.get_or_create(
            id=catalogue_id(slug),
            defaults={
                "project": project,
                "name": spec.name,
                "description": spec.description,
                "visibility": Visibility.PUBLIC,
                "created_at": now,
                "updated_at": now,
            },
        )
        if is_new:
            MoveSpecDraft.objects.create(movespec=movespec, updated_at=now)
        is_unchanged = (
            movespec.draft.yaml_source == yaml_source
            and movespec.current_released_version_id is not None
        )
        if is_unchanged or movespec.archived_at is not None:
            return movespec, False
        draft_replace(movespec_id=movespec.id, yaml_source=yaml_source, author=PLATFORM, now=now)
        version, is_new_version = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
        movespec = version_release(
            movespec_id=movespec.id,
            version_id=version.id,
            author=PLATFORM,
            now=now,
            reason="Loaded with the catalogue.",
        )
    return movespec, is_new_version
