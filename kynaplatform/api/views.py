"""What every endpoint shares: `@operation` declares one, and runs the checks in order.

The order is the contract's: 405 by route; 401; suspended; 429; scope; 415, 413, 400; the
idempotency key's form; 422. What needs the database's state comes in the view itself.
"""

import functools
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from kynaplatform.api.bodies import TextBody, body_of, decode_query
from kynaplatform.api.caller import Caller
from kynaplatform.api.errors import (
    AccessTokenMissing,
    ApiError,
    InsufficientScope,
    NotFound,
    OrganizationSuspended,
    ProjectSuspended,
    ValidationFailed,
)
from kynaplatform.api.idempotency import idempotency_key
from kynaplatform.api.pagination import Page
from kynaplatform.api.request_id import add_to_line
from kynaplatform.api.throttling import (
    add_rate_limit_headers,
    count_request,
    limits_of_address,
    limits_of_caller,
    refuse_over_limit,
)

encode = msgspec.json.Encoder().encode
Bearer = Literal["required", "optional", "none"]
# By the caller, or by the address of one without a token; by the view itself; or not at all.
Counted = Literal["by_caller", "by_view", "no"]
PATH_RESOURCES = {
    "movespec_id": "movespec",
    "version_id": "movespec_version",
    "session_id": "session",
    "token_id": "access_token",
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One endpoint and method: what the checks and the OpenAPI document need to know."""

    summary: str
    returns: Any
    scope: str | None = None
    bearer: Bearer = "required"
    body: type[msgspec.Struct] | None = None
    # What else than JSON the body may be.
    text_body: TextBody | None = None
    query: type[msgspec.Struct] | None = None
    status: int = 200
    also_status: int | None = None
    errors: tuple[type[ApiError], ...] = ()
    idempotent: bool = False
    replays: bool = False
    counted: Counted = "by_caller"
    # Entered with the request before its body is looked at, and left once it fits or is refused.
    around_body: Callable[[HttpRequest], AbstractContextManager[Any]] = nullcontext
    limit_family: str | None = None
    example: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status or with headers than the operation's own."""

    data: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiRequest(Request):
    """A request whose checks have passed, with what its operation declared.

    `caller` is None where an optional bearer was not sent.
    """

    caller: Any = None
    body: Any
    query: Any
    idempotency_key: str | None = None


class ApiView(APIView):
    """The base of our views: no content negotiation, no CSRF, JSON bytes out.

    `tag` groups its operations in the OpenAPI document, `resource` begins their names.
    """

    tag: str
    resource: str

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        return ApiRequest(request, authenticators=self.get_authenticators())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing yet: an unknown method is 405 before anything else is looked at."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        add_rate_limit_headers(request._request, answer)
        return answer


class ApiViewSet(ViewSetMixin, ApiView):  # type: ignore[misc]
    """A resource and its operations."""


def operation(**declared: Any) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """Declare a view method as an API operation; see Operation for the arguments."""
    declaration = Operation(**declared)

    def decorate(method: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @functools.wraps(method)
        def checked(self: ApiView, request: ApiRequest, **path: str) -> HttpResponse:
            _check(request, declaration)
            answer = method(self, request, **_path_ids(path))
            return respond(answer, declaration.status)

        checked.operation = declaration  # type: ignore[attr-defined]
        return checked

    return decorate


def operation_of(view: Any, method: str) -> Operation | None:
    """The operation by which a view, as urls.py names it, serves an HTTP method, if it is ours."""
    actions = getattr(view, "actions", None) or {}
    handler = getattr(view.cls, actions.get(method.lower(), method.lower()), None)
    return getattr(handler, "operation", None)


def respond(answer: Any, status: int) -> HttpResponse:
    if isinstance(answer, HttpResponse):
        return answer
    headers: Mapping[str, str] = {}
    if isinstance(answer, Page):
        answer = Reply(answer.items, headers=answer.headers)
    if isinstance(answer, Reply):
        status, headers, answer = answer.status or status, answer.headers, answer.data
    return HttpResponse(
        encode(answer), status=status, content_type="application/json", headers=headers
    )


def _check(request: ApiRequest, operation: Operation) -> None:
    if operation.bearer != "none":
        _admit(request, operation)
    elif operation.counted == "by_caller":
        _admit_anonymous(request)
    with operation.around_body(request._request):
        _read(request, operation)


def _read(request: ApiRequest, operation: Operation) -> None:
    misfit: ValidationFailed | None = None
    if operation.body is not None:
        try:
            request.body = body_of(request._request, operation.body, operation.text_body)
        except ValidationFailed as failed:
            misfit = failed
    if operation.idempotent:
        request.idempotency_key = idempotency_key(request._request)
    if misfit is not None:
        raise misfit
    if operation.query is not None:
        request.query = decode_query(request._request, operation.query)


def _admit(request: ApiRequest, operation: Operation) -> None:
    caller = cast("Caller | None", request.user)
    if caller is None:
        _admit_anonymous(request)
        if operation.bearer == "required":
            raise AccessTokenMissing
        return
    request.caller = caller
    add_to_line(request._request, project_id=caller.project_id)
    decision = count_request(request._request, limits_of_caller(caller, operation.limit_family))
    if caller.organization_suspended:
        raise OrganizationSuspended
    if caller.project_suspended:
        raise ProjectSuspended
    refuse_over_limit(decision)
    if operation.scope and operation.scope not in caller.scopes:
        raise InsufficientScope(required_scope=operation.scope)


def _admit_anonymous(request: ApiRequest) -> None:
    refuse_over_limit(count_request(request._request, limits_of_address(request._request)))


def _path_ids(path: Mapping[str, str]) -> dict[str, UUID]:
    ids = {}
    for name, text in path.items():
        if not _UUID.fullmatch(text):
            raise NotFound(PATH_RESOURCES[name])
        ids[name] = UUID(text)
    return ids
