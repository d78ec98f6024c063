"""Base types of what goes over the wire."""

from datetime import datetime
from typing import Annotated

import msgspec

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class Answer(msgspec.Struct):
    """A body that we send: every field is always there."""


class Body(msgspec.Struct):
    """A body that we take: unknown fields are ignored."""


class Query(msgspec.Struct):
    """The query parameters that we take."""


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class ErrorDetail(Answer):
    code: str
    message: str
    retryable: bool
    details: dict[str, str | int | float | bool | None]


class ErrorBody(Answer):
    """Every failure has this body; `details` is flat."""

    error: ErrorDetail
