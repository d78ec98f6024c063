"""Snapshots of the engine: today's form, and that of the last release, which is read."""

from typing import Any, Final

from detection.engine import form_3
from detection.engine.body import Body
from detection.engine.plan import Plan

# The form of the snapshots that are written, and those that are read.
SNAPSHOT_FORM = 5
READABLE_FORMS: Final = (form_3.FORM, SNAPSHOT_FORM)

Snapshot = dict[str, Any]


def in_todays_form(snapshot: Snapshot, body: Body, plan: Plan, completed: int) -> Snapshot:
    """The snapshot in today's form. `completed` is how many were completed before it.

    Raises ValueError for one that no engine gives, whatever its parts hold.
    """
    if snapshot.get("form") == form_3.FORM:
        parts = form_3.converted(snapshot, _sizes(body, plan), completed)
        snapshot = {"form": SNAPSHOT_FORM, **parts}
    if snapshot.get("form") != SNAPSHOT_FORM:
        raise ValueError(f"Not an engine's snapshot of the forms {READABLE_FORMS}.")
    if snapshot.keys() != {"form", "last_ms", "usable_ms", "parts"}:
        raise ValueError("Not the names of a snapshot.")
    for name in ("last_ms", "usable_ms"):
        if not isinstance(snapshot[name], int | float | None):
            raise ValueError(f"Not a time of {name}: {snapshot[name]!r}.")
    return snapshot


def _sizes(body: Body, plan: Plan) -> form_3.Sizes:
    (counter,) = plan.counters
    return form_3.Sizes(
        names=body.names(),
        deciding=len(body.deciding_signals()),
        conditions=min(len(counter.conditions), 1),
        gaps=[[carrier.gap for carrier in travel.carriers] for travel in counter.travels],
        phases=len(counter.spec.phases),
        measures=len(counter.directions),
        cues=len(counter.spec.feedback),
    )
