"""What the index shows: sessions now and over the last day, releases, what needs attention."""

from datetime import datetime
from typing import Any


def glance(user: Any, *, now: datetime) -> dict[str, Any]:
    return {}
