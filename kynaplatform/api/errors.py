"""The errors of the API: their codes and their one body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, ClassVar, TypeVar
from uuid import UUID

import msgspec
from django.db.models import Model, QuerySet
from msgspec import Meta

Detail = str | int | float | bool | None
M = TypeVar("M", bound=Model)
MAX_FIELD_ERRORS = 20
# A longer sentence with a detail is cut; `details` are whole.
MAX_SENTENCE = 200


class ErrorDetail(msgspec.Struct):
    code: Annotated[str, Meta(description="What went wrong, for programs.")]
    message: Annotated[str, Meta(description="The same for people; no program may read it.")]
    retryable: Annotated[bool, Meta(description="Whether the same request may succeed later.")]
    details: Annotated[
        dict[str, Detail],
        Meta(description="More about it, flat: of a 422 a sentence for each field at fault."),
    ]


class ErrorBody(msgspec.Struct):
    """Every failure has this body; `details` is flat."""

    error: ErrorDetail


class ApiError(Exception):
    """A failure with a contract code: `status`, `code`, `retryable`, a sentence and details.

    `details` is flat: its values are strings, numbers, booleans or null.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "Something went wrong on our side."
    example_details: ClassVar[dict[str, Detail]] = {}
    retry_after_seconds: int | None = None

    def __init__(self, sentence: str | None = None, /, **details: Detail) -> None:
        super().__init__(sentence or self.sentence)
        self.details: dict[str, Detail] = details

    @property
    def headers(self) -> dict[str, str]:
        if self.status == HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        seconds = self.details.get("retry_after_seconds", self.retry_after_seconds)
        return {} if seconds is None else {"Retry-After": str(seconds)}

    def body(self) -> ErrorBody:
        return ErrorBody(ErrorDetail(self.code, str(self), self.retryable, self.details))


def sentence_of(sentence: str, first: str) -> str:
    """The sentence with the first detail, cut at MAX_SENTENCE characters."""
    whole = f"{sentence} {first}".rstrip()
    return whole if len(whole) <= MAX_SENTENCE else f"{whole[: MAX_SENTENCE - 1]}…"


class AccessTokenMissing(ApiError):
    status, code = 401, "access_token_missing"
    sentence = "Send an access token as `Authorization: Bearer <token>`."


class AccessTokenInvalid(ApiError):
    status, code = 401, "access_token_invalid"
    sentence = "The access token is not valid."


class AccessTokenExpired(ApiError):
    status, code, retryable = 401, "access_token_expired", True
    sentence = "The access token has expired. Mint a new one."


class OrganizationSuspended(ApiError):
    status, code = 403, "organization_suspended"
    sentence = "The organization is suspended."


class ProjectSuspended(ApiError):
    status, code = 403, "project_suspended"
    sentence = "The project is suspended."


class InsufficientScope(ApiError):
    status, code = 403, "insufficient_scope"
    sentence = "The credential lacks a scope that this needs."
    example_details = {"required_scope": "sessions:write"}

    def __init__(self, scope: str) -> None:
        super().__init__(sentence_of(self.sentence[:-1] + ":", f"{scope}."), required_scope=scope)


class ProjectMismatch(ApiError):
    status, code = 403, "project_mismatch"
    sentence = "The project in the request is not the credential's."


class AuthorizationFailed(ApiError):
    status, code = 403, "authorization_failed"
    sentence = "This is not allowed."


class NotFound(ApiError):
    status, code = 404, "not_found"
    sentence = "There is no such thing here."
    example_details = {"resource": "movespec"}

    def __init__(self, resource: str, advice: str = "") -> None:
        sentence = f"There is no such {resource.replace('_', ' ')}."
        super().__init__(sentence_of(sentence, advice), resource=resource)


def get_or_404(rows: type[M] | QuerySet[M], id_: UUID, resource: str) -> M:
    row = (rows if isinstance(rows, QuerySet) else rows._default_manager).filter(id=id_).first()
    if row is None:
        raise NotFound(resource)
    return row


class MalformedRequest(ApiError):
    """`details` have the `line` and `column` where a body stops being JSON."""

    status, code = 400, "malformed_request"
    sentence = "The body could not be read as JSON."
    example_details = {"line": 1, "column": 14}


class MethodNotAllowed(ApiError):
    status, code = 405, "method_not_allowed"
    sentence = "This path does not take that method."


class PayloadTooLarge(ApiError):
    status, code = 413, "payload_too_large"
    sentence = "The body is larger than 512 KiB."


class UnsupportedMediaType(ApiError):
    status, code = 415, "unsupported_media_type"
    sentence = "Send the body as application/json, in UTF-8."


class ValidationFailed(ApiError):
    """`faults` maps a dotted field (`scopes.1`, or `body` for the whole) to its messages.

    The sentence includes the first.
    """

    status, code = 422, "validation_error"
    sentence = "The request does not fit the schema."
    example_details = {"mode": 'This field must be one of live, replay, not "film".'}

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        kept = list(faults.items())[:MAX_FIELD_ERRORS]
        details = {field: " ".join(messages) for field, messages in kept}
        first = next((f"{field}: {text}" for field, text in details.items()), "")
        super().__init__(sentence_of(self.sentence, first), **details)


class IdempotencyKeyInvalid(ApiError):
    status, code = 422, "idempotency_key_invalid"
    sentence = (
        "An Idempotency-Key is 1 to 255 visible ASCII characters without spaces, "
        "bare or as a quoted string."
    )


class IdempotencyKeyReused(ApiError):
    status, code = 422, "idempotency_key_reused"
    sentence = "This Idempotency-Key was used with another request."


class Conflict(ApiError):
    status, code = 409, "conflict"
    sentence = "The resource's state does not allow this."


class RateLimited(ApiError):
    """A full limit: its name, what it counts, its size and window, and the wait."""

    status, code, retryable = 429, "rate_limited", True
    sentence = "Too many requests. Wait before the next one."
    example_details = {
        "retry_after_seconds": 12,
        "limit_name": "project",
        "limit": 100,
        "window_seconds": 60,
    }

    def __init__(
        self,
        retry_after_seconds: int,
        *,
        limit_name: str,
        counted: str,
        limit: int,
        window_seconds: int,
    ) -> None:
        super().__init__(
            f"Too many {counted}: {limit} are admitted in {window_seconds} s. "
            f"Wait {retry_after_seconds} s.",
            retry_after_seconds=retry_after_seconds,
            limit_name=limit_name,
            limit=limit,
            window_seconds=window_seconds,
        )


class ReadUnderWay(RateLimited):
    """The 429 sent while another long read of the `project` or the `server` is running."""

    def __init__(self, owner: str) -> None:
        ApiError.__init__(
            self,
            f"This {owner} runs one export, usage or summary at a time, and one is running. "
            "Try again in 1 s.",
            retry_after_seconds=1,
            limit_name=f"{owner}_reads",
            limit=1,
        )


class InternalError(ApiError):
    status, code, retryable = 500, "internal_error", True


class ServiceUnavailable(ApiError):
    status, code, retryable = 503, "service_unavailable", True
    sentence = "The database or the broker is out of reach. Try again."
    retry_after_seconds = 5


class DatabaseFull(ServiceUnavailable):
    sentence = "The database's disk is full, and nothing can be stored. Try again."


class HeldByAnother(ServiceUnavailable):
    """A row was locked for longer than a request waits."""

    sentence = "Something else is at work on the same resource. Try again."
