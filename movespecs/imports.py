"""The import of MoveSpecs from a folder that an export has written (files.py).

A MoveSpec keeps its id, and so do its versions, unless another project here has it: then it is a
copy, whose ids follow from the project's and its own. So a second import finds what the first made.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import transaction

from movespecs.authors import PLATFORM
from movespecs.drafts import movespec_archive, movespec_create, movespec_lock
from movespecs.files import (
    FileFault,
    MoveSpecEntry,
    VersionEntry,
    draft_text,
    index_read,
    version_path,
    version_text,
)
from movespecs.forks import readable_name, short_description
from movespecs.limits import require_room_for_version
from movespecs.models import MoveSpec, MoveSpecVersion, Visibility
from movespecs.releases import version_release
from projects.models import Project

RELEASE_REASON = "Imported."


class Imported(NamedTuple):
    """What an import has made: MoveSpecs, and versions of these and of others."""

    movespecs: int
    versions: int


def movespecs_import(project: Project, folder: Path, *, now: datetime) -> Imported:
    """Make what `folder` has and `project` has not: all of it, or nothing.

    A MoveSpec that is there gets the versions that it lacks; its draft, its release and its name
    stay. A new one gets all as it was, with the same version released; a copy is private. Raises
    FileFault for a file that is at fault, or has another text than the version that is there;
    LimitReached; and MoveSpecArchived where an archived one lacks a version.
    """
    index = index_read(folder)
    with transaction.atomic():
        # Another import waits here, and then finds what this one has made.
        Project.objects.select_for_update(no_key=True).get(id=project.id)
        made = [_import(project, folder, entry, now) for entry in index.movespecs]
    return Imported(*map(sum, zip(*made, strict=True))) if made else Imported(0, 0)


def _import(project: Project, folder: Path, entry: MoveSpecEntry, now: datetime) -> Imported:
    # All are read, needed or not: what is at fault is so wherever it is imported.
    draft = draft_text(folder, entry)
    texts = [version_text(folder, entry, version) for version in entry.versions]
    owner = MoveSpec.objects.filter(id=entry.movespec_id).values_list("project_id", flat=True)
    is_copy = owner.first() not in (None, project.id)
    movespec_id = uuid5(project.id, str(entry.movespec_id)) if is_copy else entry.movespec_id
    is_new = not MoveSpec.objects.filter(id=movespec_id).exists()
    if is_new:
        is_public = entry.is_public and not is_copy
        movespec_create(
            project_id=project.id,
            name=readable_name(entry.name),
            description=short_description(entry.description),
            author=PLATFORM,
            now=entry.created_at,
            yaml_source=draft,
            id=movespec_id,
            visibility=Visibility.PUBLIC if is_public else Visibility.PRIVATE,
        )
    there = _stored_hashes(movespec_id)
    for version in entry.versions:
        if there.get(version.number, version.content_hash) != version.content_hash:
            path = version_path(folder, entry.movespec_id, version.number)
            raise FileFault(f"{path}: version {version.number} of {movespec_id} has another text.")
    lacked = [version for version in entry.versions if version.number not in there]
    if lacked:
        movespec = movespec_lock(movespec_id)
        require_room_for_version(movespec, entry.versions[-1].number - 1)
        MoveSpecVersion.objects.bulk_create(
            _stored(movespec_id, version, texts[version.number - 1], is_copy) for version in lacked
        )
    if is_new:
        _release(movespec_id, entry, now)
    return Imported(int(is_new), len(lacked))


def _release(movespec_id: UUID, entry: MoveSpecEntry, now: datetime) -> None:
    """Release and archive a new MoveSpec as it was."""
    if entry.released is not None:
        released = MoveSpecVersion.objects.get(
            movespec_id=movespec_id, version_number=entry.released
        )
        version_release(
            movespec_id=movespec_id,
            version_id=released.id,
            author=PLATFORM,
            now=now,
            reason=RELEASE_REASON,
        )
    if entry.archived_at is not None:
        movespec_archive(movespec_id=movespec_id, now=entry.archived_at)


def _stored_hashes(movespec_id: UUID) -> dict[int, str]:
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec_id)
    return dict(versions.values_list("version_number", "content_hash"))


def _stored(movespec_id: UUID, version: VersionEntry, text: str, is_copy: bool) -> MoveSpecVersion:
    id_ = uuid5(movespec_id, str(version.number)) if is_copy else version.version_id
    return MoveSpecVersion(
        id=id_,
        movespec_id=movespec_id,
        version_number=version.number,
        yaml_source=text,
        content_hash=version.content_hash,
        created_at=version.created_at,
        withdrawn_at=version.withdrawn_at,
        withdrawal_reason=version.withdrawal_reason,
    )
