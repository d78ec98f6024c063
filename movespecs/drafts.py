"""MoveSpecs and their drafts: create, edit, archive."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Func, TextField, Value

from kynaplatform.api.errors import Conflict
from kynaplatform.logs import served_request_id
from movespecs.errors import LimitReached, MoveSpecArchived
from movespecs.models import Author, MoveSpec, MoveSpecDraft, Visibility
from projects.models import Project

MAX_YAML_BYTES = 65_536
MAX_DESCRIPTION_CHARACTERS = 2_000


def require_room_for_version(movespec: MoveSpec, latest_number: int) -> None:
    """Raise LimitReached when the MoveSpec, whose row the caller has locked, has its most versions.

    None is ever deleted: the latest number says how many there are.
    """
    limit = movespec.project.version_limit or settings.VERSIONS_PER_MOVESPEC
    if latest_number >= limit:
        raise LimitReached(f"The MoveSpec has its most versions: {limit}.", limit=limit)


def movespec_create(
    *,
    project_id: UUID,
    name: str,
    description: str | None,
    author: Author,
    now: datetime,
    yaml_source: str = "",
    **more: Any,
) -> MoveSpec:
    """A MoveSpec and its draft. Raises LimitReached when the project has its most."""
    with transaction.atomic():
        # The lock lets creates count one after the other; what only refers to the project does not
        # wait.
        project = Project.objects.select_for_update(no_key=True).only("movespec_limit")
        limit = project.get(id=project_id).movespec_limit or settings.MOVESPECS_PER_PROJECT
        # Counted no further than is asked.
        if MoveSpec.objects.filter(project_id=project_id)[:limit].count() >= limit:
            raise LimitReached(
                f"The project has its most MoveSpecs, archived ones included: {limit}.", limit=limit
            )
        movespec = MoveSpec.objects.create(
            project_id=project_id,
            name=name,
            description=description,
            created_by=author.credential_id,
            created_at=now,
            updated_at=now,
            **more,
        )
        MoveSpecDraft.objects.create(
            movespec=movespec,
            yaml_source=yaml_source,
            updated_by=author.credential_id,
            updated_at=now,
        )
    return movespec


def movespec_lock(movespec_id: UUID) -> MoveSpec:
    """The row, locked against every other writer until the transaction ends.

    Raises MoveSpecArchived: an archived MoveSpec takes no change.
    """
    # For the triggers of webhooks, until then.
    setting = [Value("kyna.request_id"), Value(served_request_id.get()), Value(True)]
    rows = MoveSpec.objects.annotate(
        request_id=Func(*setting, function="set_config", output_field=TextField())
    )
    movespec = rows.select_for_update(no_key=True).get(id=movespec_id)
    if movespec.archived_at is not None:
        raise MoveSpecArchived
    return movespec


def movespec_edit(*, movespec_id: UUID, changes: dict[str, Any], now: datetime) -> MoveSpec:
    """Change name, description or visibility; what is not in `changes` stays."""
    with transaction.atomic():
        movespec = movespec_lock(movespec_id)
        if changes.get("visibility") == Visibility.PUBLIC and movespec.delisted_at is not None:
            raise Conflict("The MoveSpec was delisted and can't be made public.")
        for field, value in changes.items():
            setattr(movespec, field, value)
        if changes:
            movespec.updated_at = now
            movespec.save(update_fields=[*changes, "updated_at"])
    return movespec


def movespec_archive(*, movespec_id: UUID, now: datetime) -> MoveSpec:
    """Archive once: a second call leaves the first time standing."""
    MoveSpec.objects.filter(id=movespec_id, archived_at__isnull=True).update(
        archived_at=now, updated_at=now
    )
    return MoveSpec.objects.with_answer().get(id=movespec_id)


def draft_replace(
    *, movespec_id: UUID, yaml_source: str, author: Author, now: datetime
) -> MoveSpecDraft:
    with transaction.atomic():
        movespec_lock(movespec_id)
        draft = MoveSpecDraft.objects.get(movespec_id=movespec_id)
        draft.yaml_source = yaml_source
        draft.updated_by = author.credential_id
        draft.updated_at = now
        draft.save(update_fields=["yaml_source", "updated_by", "updated_at"])
    return draft


def movespec_delist(*, movespec_id: UUID, now: datetime) -> None:
    """Others get 404 from now on; its owner sees it as private. Raises Conflict."""
    public = MoveSpec.objects.public().filter(id=movespec_id)
    if not public.update(delisted_at=now, updated_at=now):
        raise Conflict("Only a public MoveSpec that is listed can be delisted: it no longer is.")


def movespec_relist(*, movespec_id: UUID, now: datetime) -> None:
    """Everybody sees it again, if its owner still has it public. Raises Conflict."""
    delisted = MoveSpec.objects.filter(id=movespec_id, delisted_at__isnull=False)
    if not delisted.update(delisted_at=None, updated_at=now):
        raise Conflict("The MoveSpec is not delisted any more.")
