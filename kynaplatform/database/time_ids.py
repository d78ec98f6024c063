"""Ids that begin with their time, as UUIDv7: the bounds of a range of time in a primary key."""

from datetime import datetime
from uuid import UUID


def first_id_of(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
