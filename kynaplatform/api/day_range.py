"""A range of days of UTC, as a query asks for it."""

from datetime import date, timedelta
from typing import Annotated, Final

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.wire import Query, said

MAX_DAYS: Final = 400
DAYS: Final = 30


class DayRangeQuery(Query, kw_only=True):
    """Both days are in the range. Without `to` it ends today, without `from` it has 30 days."""

    from_: (
        Annotated[date, said("The first day of UTC; by default 29 days before `to`.", "2026-11-01")]
        | msgspec.UnsetType
    ) = msgspec.field(default=msgspec.UNSET, name="from")
    to: (
        Annotated[
            date,
            said("The last day of UTC, at most 400 in all; by default today.", "2026-11-30"),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET

    def days(self, today: date) -> tuple[date, date]:
        """The first and the last day; raises 422 where they are in the wrong order or too many."""
        last = today if self.to is msgspec.UNSET else self.to
        if self.from_ is msgspec.UNSET:
            # The calendar begins with the year 1.
            return max(last, date.min + timedelta(days=DAYS - 1)) - timedelta(days=DAYS - 1), last
        if self.from_ > last:
            raise ValidationFailed({"from": [f"This field must not be after {last}."]})
        if (last - self.from_).days >= MAX_DAYS:
            raise ValidationFailed(
                {"from": [f"This field must be at most {MAX_DAYS - 1} days before {last}."]}
            )
        return self.from_, last
