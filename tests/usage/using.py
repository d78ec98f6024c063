"""Sessions that end, and what is metered of them."""

import uuid
from datetime import date
from typing import Any

from django.db import connection

from tests.conftest import Machine
from usage.models import MeteredSession, UsageDay

SUMS = ("sessions", "accepted_frames", "active_ms", "live_frames")


def use(
    machine: Machine,
    day: date = date(2026, 11, 29),
    frames: int = 10,
    active_ms: int | None = None,
    is_live: bool = True,
) -> None:
    """Meter a session that ended on a day, whose frames are 33 ms apart."""
    MeteredSession.objects.create(
        session_id=uuid.uuid4(),
        organization_id=machine.organization.id,
        project_id=machine.project.id,
        ended_on=day,
        accepted_frames=frames,
        active_ms=33 * frames if active_ms is None else active_ms,
        is_live=is_live,
    )


def metered() -> list[tuple[Any, ...]]:
    """The rows that wait to be rolled up."""
    rows = MeteredSession.objects.order_by("session_id")
    return list(rows.values_list("project_id", "ended_on", "accepted_frames", "active_ms"))


def sums_of(machine: Machine) -> dict[date, tuple[int, ...]]:
    """The sums that are stored of the machine's project, by day."""
    rows = UsageDay.objects.filter(project_id=machine.project.id)
    return {day: tuple(sums) for day, *sums in rows.values_list("day", *SUMS)}


def totals() -> tuple[int, ...]:
    """All that is metered, rolled up or not."""
    with connection.cursor() as cursor:
        summed = ", ".join(f"COALESCE(sum({name}), 0)::bigint" for name in SUMS)
        cursor.execute(f"SELECT {summed} FROM usage_so_far")  # noqa: S608
        return tuple(cursor.fetchone())
