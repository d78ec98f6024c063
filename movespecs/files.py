"""A project's MoveSpecs as a folder: an index, and each text as a file of its own, as written.

movespecs.json
<movespec_id>/draft.yaml
<movespec_id>/1.yaml, 2.yaml, …    the versions by their numbers
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID, uuid5

import msgspec
from django.db import connection, transaction

from common.names import MAX_NAME_CHARACTERS, fault_of_name
from detection import validate
from kynaplatform.api.schemas import Timestamp, from_row
from movespecs.drafts import (
    MAX_DESCRIPTION_CHARACTERS,
    movespec_archive,
    movespec_create,
    movespec_lock,
    require_room_for_version,
)
from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion, Visibility
from movespecs.releases import hash_of, version_release
from projects.models import Project

INDEX = "movespecs.json"
FORMAT = 1


class VersionEntry(msgspec.Struct, kw_only=True):
    number: Annotated[int, msgspec.Meta(ge=1)]
    version_id: UUID
    # The author's own, which nothing reads: null where today's language finds errors.
    label: str | None
    content_hash: str
    created_at: Timestamp
    withdrawn_at: Timestamp | None = None
    withdrawal_reason: str = ""


class MoveSpecEntry(msgspec.Struct, kw_only=True):
    movespec_id: UUID
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    description: Annotated[str, msgspec.Meta(max_length=MAX_DESCRIPTION_CHARACTERS)] | None
    is_public: bool
    # The number of the version that is released; null: none.
    released: int | None
    created_at: Timestamp
    archived_at: Timestamp | None
    versions: list[VersionEntry]

    def __post_init__(self) -> None:
        if fault := fault_of_name(self.name):
            raise ValueError(f"its name: {fault}")
        numbers = [version.number for version in self.versions]
        if numbers != [*range(1, len(numbers) + 1)]:
            raise ValueError("Its versions are not numbered 1, 2, …")
        if self.released is not None and self.released not in numbers:
            raise ValueError(f"Version {self.released} is released, and there is none.")
        if self.released and self.versions[self.released - 1].withdrawn_at is not None:
            raise ValueError(f"Version {self.released} is released, and withdrawn.")


class Index(msgspec.Struct, kw_only=True):
    format: int
    movespecs: list[MoveSpecEntry]


class FileFault(Exception):
    """A file is not what an export has written. Its text has the file, and the place in it."""


def movespecs_write(project: Project, folder: Path) -> Index:
    """Write all MoveSpecs of `project`, archived ones too, over what an earlier export left.

    The index comes last, at once: so whatever it lists is there. All is read as of one moment.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:  # else the isolation of the outer transaction holds
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        movespecs = MoveSpec.objects.filter(project=project).order_by("created_at", "id")
        entries = [_written(movespec, folder) for movespec in movespecs]
    index = Index(format=FORMAT, movespecs=entries)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / INDEX, msgspec.json.format(msgspec.json.encode(index), indent=2) + b"\n")
    return index


def index_read(folder: Path) -> Index:
    """Raises FileFault."""
    path = folder / INDEX
    try:
        index = msgspec.json.decode(_bytes(path), type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FileFault(f"{path}: {error}") from None
    if index.format != FORMAT:
        raise FileFault(f"{path}: its format is {index.format}, and this code reads {FORMAT}.")
    return index


def version_text(folder: Path, entry: MoveSpecEntry, version: VersionEntry) -> str:
    """The text of a version, which is the one of the index. Raises FileFault.

    A released one is valid as well; of others today's language may find errors.
    """
    path = _path(folder, entry.movespec_id, version.number)
    text = _text(path)
    if hash_of(text) != version.content_hash:
        raise FileFault(f"{path}: it is not the text of the index: another has its content_hash.")
    if version.number == entry.released and (errors := validate(text).errors):
        first = errors[0]
        place = "" if first.line is None else f":{first.line}:{first.column}"
        raise FileFault(f"{path}{place}: {first.message} [{first.code}]")
    return text


def _path(folder: Path, movespec_id: UUID, name: int | Literal["draft"]) -> Path:
    return folder / str(movespec_id) / f"{name}.yaml"


def _written(movespec: MoveSpec, folder: Path) -> MoveSpecEntry:
    (folder / str(movespec.id)).mkdir(parents=True, exist_ok=True)
    _write(_path(folder, movespec.id, "draft"), movespec.draft.yaml_source.encode())
    released, versions = None, []
    stored = MoveSpecVersion.objects.filter(movespec=movespec).order_by("version_number")
    for version in stored.iterator(chunk_size=10):
        number = version.version_number
        _write(_path(folder, movespec.id, number), version.yaml_source.encode())
        spec = validate(version.yaml_source).spec
        label = spec.version if spec else None
        versions.append(
            from_row(VersionEntry, version, number=number, version_id=version.id, label=label)
        )
        if version.id == movespec.current_released_version_id:
            released = number
    return from_row(
        MoveSpecEntry, movespec, movespec_id=movespec.id, released=released, versions=versions
    )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: who breaks off leaves the file of before."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise FileFault(f"{path}: the byte at offset {error.start} is not UTF-8.") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFault(f"{path}: it cannot be read: {error.strerror}.") from None


def movespecs_import(project: Project, folder: Path, *, now: datetime) -> tuple[int, int]:
    """Make what `folder` has and `project` has not: all of it, or nothing.

    A MoveSpec that is there gets the versions that it lacks; its draft, its release and its name
    stay. A new one gets all as it was, with the same version released; a copy is private. Returns
    the numbers of new MoveSpecs and of new versions. Raises FileFault for a file that is at fault,
    or has another text than the version that is there; LimitReached; and MoveSpecArchived where an
    archived one lacks a version.
    """
    index = index_read(folder)
    with transaction.atomic():
        # Another import waits here, and then finds what this one has made.
        Project.objects.select_for_update(no_key=True).get(id=project.id)
        made = [_import(project, folder, entry, now) for entry in index.movespecs]
    return sum(is_new for is_new, _ in made), sum(versions for _, versions in made)


def _import(
    project: Project, folder: Path, entry: MoveSpecEntry, now: datetime
) -> tuple[bool, int]:
    # All are read, needed or not: what is at fault is so wherever it is imported.
    draft = _text(_path(folder, entry.movespec_id, "draft"))
    texts = [version_text(folder, entry, version) for version in entry.versions]
    owner = MoveSpec.objects.filter(id=entry.movespec_id).values_list("project_id", flat=True)
    is_copy = owner.first() not in (None, project.id)
    movespec_id = uuid5(project.id, str(entry.movespec_id)) if is_copy else entry.movespec_id
    is_new = not MoveSpec.objects.filter(id=movespec_id).exists()
    if is_new:
        is_public = entry.is_public and not is_copy
        movespec_create(
            project_id=project.id,
            name=entry.name,
            description=entry.description,
            author=PLATFORM,
            now=entry.created_at,
            yaml_source=draft,
            id=movespec_id,
            visibility=Visibility.PUBLIC if is_public else Visibility.PRIVATE,
        )
    stored = MoveSpecVersion.objects.filter(movespec_id=movespec_id)
    there = dict(stored.values_list("version_number", "content_hash"))
    for version in entry.versions:
        if there.get(version.number, version.content_hash) != version.content_hash:
            path = _path(folder, entry.movespec_id, version.number)
            raise FileFault(f"{path}: version {version.number} of {movespec_id} has another text.")
    lacked = [version for version in entry.versions if version.number not in there]
    if lacked:
        movespec = movespec_lock(movespec_id)
        require_room_for_version(movespec, entry.versions[-1].number - 1)
        MoveSpecVersion.objects.bulk_create(
            MoveSpecVersion(
                id=uuid5(movespec_id, str(version.number)) if is_copy else version.version_id,
                movespec_id=movespec_id,
                version_number=version.number,
                yaml_source=texts[version.number - 1],
                content_hash=version.content_hash,
                created_at=version.created_at,
                withdrawn_at=version.withdrawn_at,
                withdrawal_reason=version.withdrawal_reason,
            )
            for version in lacked
        )
    if is_new and entry.released is not None:
        released = stored.get(version_number=entry.released)
        version_release(
            movespec_id=movespec_id,
            version_id=released.id,
            author=PLATFORM,
            now=now,
            reason="Imported.",
        )
    if is_new and entry.archived_at is not None:
        movespec_archive(movespec_id=movespec_id, now=entry.archived_at)
    return is_new, len(lacked)
