"""Base types of the bodies and queries on the wire."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.names import MOST_NAME_CHARACTERS, fault_of_name

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
S = TypeVar("S", bound=msgspec.Struct)


class Answer(msgspec.Struct):
    """The body of a response: every field is always there."""


class Body(msgspec.Struct):
    """The body of a request: unknown fields are ignored."""


class NamedBody(Body):
    """A body with a `name`, which may be absent or null."""

    def __post_init__(self) -> None:
        name = getattr(self, "name", None)
        if isinstance(name, str) and (fault := fault_of_name(name)):
            raise ValidationFailed({"name": [fault]})


class Query(msgspec.Struct):
    """The query parameters of a request."""


Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MOST_NAME_CHARACTERS,
        description="Not only spaces, and no control or format characters.",
    ),
]


def from_row(struct: type[S], row: Any, **others: Any) -> S:
    """The `struct` of a row: each field is the row's column of that name, or one of `others`."""
    columns = {name: getattr(row, name) for name in struct.__struct_fields__ if name not in others}
    return struct(**columns, **others)


class ErrorDetail(Answer):
    code: str
    message: str
    retryable: bool
    details: dict[str, str | int | float | bool | None]


class ErrorBody(Answer):
    """Every failure has this body; `details` is flat."""

    error: ErrorDetail
