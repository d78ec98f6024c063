"""A batch of an erasure: rows that one transaction removes."""

from typing import NamedTuple


class Batch(NamedTuple):
    """How many rows went, how many of them were sessions, and whether nothing can come after."""

    rows: int
    sessions: int = 0
    is_last: bool = False
