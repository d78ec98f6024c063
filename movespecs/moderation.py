"""Moderation: staff take a public MoveSpec out of everybody else's sight, and bring it back."""

from datetime import datetime
from uuid import UUID

from kynaplatform.api.errors import Conflict
from movespecs.models import MoveSpec


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
