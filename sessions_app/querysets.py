"""Rules about the rows of sessions: which have ended, are due, or wait for a reader."""

from datetime import datetime
from typing import Self, TypeVar
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet

from detection import READABLE_FORMS
from kynaplatform.timing import FINALIZING_GRACE

Row = TypeVar("Row", bound=Model)


class SessionQuerySet(QuerySet[Row]):
    def of_project(self, project_id: UUID) -> Self:
        return self.filter(project_id=project_id)

    def live(self) -> Self:
        """The sessions that have not ended. Only they have a deadline, which proves indexes."""
        return self.filter(deadline_at__isnull=False)

    def ended(self) -> Self:
        return self.filter(deadline_at__isnull=True)

    def due(self, now: datetime) -> Self:
        """The live sessions whose deadline has passed."""
        return self.filter(deadline_at__lte=now)

    def attached(self, now: datetime) -> Self:
        """The sessions that a runtime has leased."""
        return self.filter(_attached(now))

    def readable(self) -> Self:
        """The sessions whose state an engine of this process can read, as far as is known."""
        return self.filter(_readable())

    def unreadable(self, now: datetime) -> Self:
        """The others, if no runtime has leased them."""
        return self.filter(~_readable(), ~_attached(now))

    def awaiting_reader(self, now: datetime) -> Self:
        """The sessions in their reader grace period whose version this process knows."""
        waiting = self.filter(unreadable_since__isnull=False, deadline_at__gt=now)
        return waiting.filter(_of_known_version(), ~_attached(now))

    def unread(self, now: datetime) -> Self:
        """The sessions that their deadline completes, but that begin to wait for a reader now."""
        return self.due(now).unreadable(now).filter(_completes(now), unreadable_since__isnull=True)

    def to_finish(self, now: datetime) -> Self:
        """The sessions that their deadline completes, by the engine of this process."""
        return self.due(now).readable().filter(_completes(now), unreadable_since__isnull=True)

    def to_settle(self, now: datetime) -> Self:
        """The union of `to_end` and `unread`."""
        unread = ~_readable() & ~_attached(now)
        return self.due(now).filter(~_completes(now) | _AWAITS_READER | unread)

    def to_end(self, now: datetime) -> Self:
        """The sessions that their deadline ends without an engine."""
        return self.due(now).filter(~_completes(now) | _AWAITS_READER)


_AWAITS_READER = Q(unreadable_since__isnull=False)


def _attached(now: datetime) -> Q:
    return Q(attachment_id__isnull=False, lease_until__gt=now)


def _of_known_version() -> Q:
    return Q(engine_version__isnull=True) | Q(engine_version__in=READABLE_FORMS)


def _readable() -> Q:
    return _of_known_version() & Q(is_state_unreadable=False)


def _completes(now: datetime) -> Q:
    """The session is finalizing, or at its longest and not with a runtime, which would finish it.

    No index has these columns: the deadline has one.
    """
    is_too_long = Q(deadline_at__gte=F("longest_until"))
    return Q(finishing_outcome__isnull=False) | is_too_long & ~_attached(now - FINALIZING_GRACE)


def is_known_version(engine_version: int | None) -> bool:
    return engine_version is None or engine_version in READABLE_FORMS
