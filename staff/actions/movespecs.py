"""Moderation: delist and relist a public MoveSpec."""

from collections.abc import Sequence

from movespecs.models import MoveSpec
from movespecs.moderation import movespec_delist, movespec_relist
from staff.actions.base import Outcome, StaffAction, Submission
from staff.full_names import full_name


class Delist(StaffAction):
    name = "delist"
    label = "Delist"
    past = "Delisted"
    permission = "movespecs.moderate_movespec"

    def applies_to(self, row: MoveSpec) -> bool:
        return row.is_public

    def effects(self, rows: Sequence[MoveSpec]) -> list[str]:
        return [
            "Other projects do not find it any more, and can't fork it.",
            "Its owner goes on using it, sees it as private, and can't make it public.",
            "Forks that were made go on.",
        ]

    def perform(self, row: MoveSpec, submission: Submission) -> Outcome:
        movespec_delist(movespec_id=row.id, now=submission.now)
        return Outcome(f"Delisted {full_name(row)}.")


class Relist(StaffAction):
    name = "relist"
    label = "Relist"
    past = "Relisted"
    permission = "movespecs.moderate_movespec"
    is_dangerous = False

    def applies_to(self, row: MoveSpec) -> bool:
        return row.delisted_at is not None

    def effects(self, rows: Sequence[MoveSpec]) -> list[str]:
        return ["Every project finds it again and may fork it, unless its owner made it private."]

    def perform(self, row: MoveSpec, submission: Submission) -> Outcome:
        movespec_relist(movespec_id=row.id, now=submission.now)
        return Outcome(f"Relisted {full_name(row)}.")
