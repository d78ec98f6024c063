"""Base types of the bodies and queries on the wire."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from common.names import MAX_NAME_CHARACTERS, PATTERN_OF_NAMES, fault_of_name
from kynaplatform.api.errors import ValidationFailed

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")
# What a request may leave out.
OrUnset: TypeAlias = T | msgspec.UnsetType


def doc(description: str, *examples: Any) -> msgspec.Meta:
    """What the OpenAPI document says of a field: a sentence, and values that it may have."""
    return msgspec.Meta(description=description, examples=list(examples) or None)


OrganizationId = Annotated[
    UUID, doc("The organization of the project.", "d4a0f3de-6c8f-4ad2-9a3d-0f4a6b0c5a11")
]
ProjectId = Annotated[
    UUID, doc("The project that it belongs to.", "2541a341-c457-443b-b2f6-ff0f1ecac8b4")
]


class Answer(msgspec.Struct):
    """The body of a response: every field is always there."""


class Body(msgspec.Struct):
    """The body of a request: unknown fields are ignored."""

    # One of these schemas holds as well, by JSON Schema's `anyOf` or `oneOf`.
    shapes: ClassVar[dict[str, list[dict[str, Any]]]] = {}


def given(*names: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON Schema of a body that has each of `names`, as a text, and none of `without`."""
    types = dict.fromkeys(names, "string") | dict.fromkeys(without, "null")
    return {
        "properties": {name: {"type": type_} for name, type_ in types.items()},
        "required": list(names),
    }


class NamedBody(Body):
    """A body with a `name`, which may be absent or null."""

    def __post_init__(self) -> None:
        name = getattr(self, "name", None)
        if isinstance(name, str) and (fault := fault_of_name(name)):
            raise ValidationFailed({"name": [fault]})


class Query(msgspec.Struct):
    """The query parameters of a request."""

    # Those that are texts, also where they have digits alone.
    texts: ClassVar[frozenset[str]] = frozenset()


# What PostgreSQL stores as text.
STORABLE = {"pattern": r"^[^\u0000]*$"}
Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        description="Not only spaces, and no control or format characters.",
        extra_json_schema={"pattern": PATTERN_OF_NAMES},
    ),
]


def from_row(struct: type[S], row: Any, **others: Any) -> S:
    """The `struct` of a row: each field is the row's column of that name, or one of `others`."""
    columns = {name: getattr(row, name) for name in struct.__struct_fields__ if name not in others}
    return struct(**columns, **others)


MAX_DAYS: Final = 400
DAYS: Final = 30


class DayRangeQuery(Query, kw_only=True):
    """Both days are in the range. Without `to` it ends today, without `from` it has 30 days."""

    from_: OrUnset[
        Annotated[date, doc("The first day of UTC; by default 29 days before `to`.", "2026-11-01")]
    ] = msgspec.field(default=msgspec.UNSET, name="from")
    to: OrUnset[
        Annotated[
            date, doc("The last day of UTC, at most 400 in all; by default today.", "2026-11-30")
        ]
    ] = msgspec.UNSET

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
