"""The author of a change to a MoveSpec: a machine's credential, or a member of staff."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Author:
    credential_id: UUID | None = None
    staff_id: int | None = None


PLATFORM = Author()
