"""The target of a session: the checkpoint that reaches it makes the session finalizing.

No frame after the one that reaches it is accepted, so the count doesn't depend on the batches.
"""

from typing import Annotated, Final
from uuid import UUID

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import doc
from sessions_app.context import spec_of_version
from sessions_app.models import DetectionSession, Outcome

TARGET: Final = "target"


class Target(msgspec.Struct, omit_defaults=True, frozen=True):
    """Either of the two."""

    repetitions: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None,
        doc("Completed repetitions, over all sides.", 10),
    ] = None
    hold_ms: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=86_400_000)] | None,
        doc("Milliseconds of one hold without a break that ends it.", 30_000),
    ] = None

    def __post_init__(self) -> None:
        if (self.repetitions is None) is (self.hold_ms is None):
            raise ValidationFailed({TARGET: ["Send either repetitions or hold_ms."]})


def require_target(version_id: UUID, target: Target) -> None:
    """Raise ValidationFailed for a target of holds where the version counts repetitions."""
    if target.hold_ms is not None and spec_of_version(version_id).type != "hold":
        raise ValidationFailed({f"{TARGET}.hold_ms": ["This movement is not a hold."]})


def target_of(session: DetectionSession) -> Target | None:
    return None if session.target is None else msgspec.convert(session.target, Target)


def ended_by(session: DetectionSession) -> str | None:
    """`target` for a session that was completed because it reached its target."""
    return session.ended_by if session.terminal_outcome == Outcome.COMPLETED else None
