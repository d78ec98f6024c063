"""The base of every endpoint: its checks, in the contract's order, and its response.

The order: 405; without a valid token the address's 429, then 401; with one suspended, then 429;
scope, and a token of one session; 415, 413, 400; the idempotency key's form; 422; the project of
the body; 404 for the rows of the path. DRF's hooks for
permissions and throttles have another order. A view states in `access` who may call it; without,
its module can't be imported.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, ClassVar, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from kynaplatform.api import errors
from kynaplatform.api.bodies import (
    add_ignored_header,
    body_of,
    decode_query,
    note_ignored_parameters,
)
from kynaplatform.api.idempotency import idempotency_key
from kynaplatform.api.operations import (
    Access,
    Operation,
    Principal,
    PrincipalChanged,
    Result,
    require_active,
)
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.throttling import (
    add_rate_limit_headers,
    count_request,
    limits_of_address,
    limits_of_principal,
    one_read_at_a_time,
    refuse_over_limit,
    request_counter,
)
from kynaplatform.middleware import add_to_line

encode = msgspec.json.Encoder().encode
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ApiRequest(Request):
    """A request after `initial`: `user` is a Principal or None."""

    idempotency_key: str | None = None
    # Whether `user` may come from the cache, and whether it does.
    may_use_cached = False
    is_cached = False
    # The limits that the request was counted on.
    counted_on: Sequence[Limit] = ()

    @property
    def principal(self) -> Principal:
        """The machine that sent the request; raises AccessTokenMissing if it is anonymous."""
        if self.user is None:
            raise errors.AccessTokenMissing
        return cast(Principal, self.user)


class ApiView(APIView):
    """The base of our views: no content negotiation, no CSRF, JSON bytes out.

    `tag` groups its operations in the OpenAPI document, `resource` begins their names. `access`
    says of each of its methods who may call it.
    """

    tag: str
    resource: str
    access: ClassVar[Mapping[str, Access]]
    # Of the current request.
    operation: Operation
    # Locks until the request is answered.
    locks: ExitStack
    may_use_cached = True

    # They would make responses vary by Accept.
    renderer_classes = ()
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    # DRF's own finds out `Allow` for each response.
    default_response_headers: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        named = {
            name: method.operation
            for name, method in vars(cls).items()
            if callable(method) and hasattr(method, "operation")
        }
        if named.keys() != vars(cls).get("access", {}).keys():
            raise TypeError(f"{cls.__name__}.access must name its operations: {sorted(named)}.")
        for name, operation in named.items():
            operation.access = cls.access[name]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self.locks:
            try:
                return super().dispatch(request, *args, **kwargs)
            except PrincipalChanged:
                request_counter().take_back(cast(ApiRequest, self.request).counted_on)
                self.may_use_cached = False
                return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        return ApiRequest(request, authenticators=self.get_authenticators())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the request, and replace the path's ids in `kwargs` by the body, query and rows."""
        api_request = cast(ApiRequest, request)
        method = str(request.method).lower()
        handler = getattr(self, method, None) if method in self.http_method_names else None
        if handler is None:
            raise errors.MethodNotAllowed
        self.operation = handler.operation
        api_request.may_use_cached = self.may_use_cached and self.operation.proves_principal
        _admit(api_request, self.operation, self.locks)
        with self.operation.around_body(request._request):
            taken = _read(api_request, self.operation)
        principal = cast("Principal | None", request.user) if self.operation.access.scope else None
        named = getattr(taken.get("body"), "project_id", None)
        if principal is not None and named not in (None, principal.project_id):
            raise errors.ProjectMismatch
        rows = _find_rows(self.operation.access, principal, kwargs)
        # DRF passes them to the method.
        self.kwargs.clear()
        self.kwargs.update(taken, **rows)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a failure; raises PrincipalChanged to have the request served again."""
        request = cast(ApiRequest, self.request)
        if self.may_use_cached and isinstance(exc, PrincipalChanged):
            raise exc
        if request.is_cached and isinstance(exc, errors.ApiError):
            exc = self._proven(exc, request)
        if isinstance(exc, (errors.ValidationFailed, errors.MalformedRequest, errors.RateLimited)):
            # Such a request made no session, so it doesn't count as a creation.
            creations = [limit for limit in request.counted_on if limit.key.startswith("sessions:")]
            if creations:
                request_counter().take_back(creations)
                count_request(request._request, request.counted_on, counting=False)
        # So that a failed transaction isn't committed.
        self.locks.__exit__(type(exc), exc, exc.__traceback__)
        return super().handle_exception(exc)

    def _proven(self, refusal: errors.ApiError, request: ApiRequest) -> Exception:
        """The refusal after reading a cached principal again; raises PrincipalChanged."""
        try:
            principal = self.initialize_request(request._request).user
        except Exception as failure:  # noqa: BLE001 - it replaces the refusal
            request_counter().take_back(request.counted_on)
            return failure
        if principal != request.user:
            raise PrincipalChanged
        return refusal

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        if not isinstance(response, HttpResponseBase):
            response = response_of(response, self.operation.status)
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response["Allow"] = ", ".join(self.allowed_methods)
        add_rate_limit_headers(request._request, response)
        add_ignored_header(request._request, response)
        return cast(Response, response)


class ApiViewSet(ViewSetMixin, ApiView):  # type: ignore[misc]
    """A resource and its operations."""


def response_of(answer: Any, status: int) -> HttpResponse:
    """The HTTP response of an answer or a Result."""
    result = answer if isinstance(answer, Result) else Result(answer)
    if status == HTTPStatus.NO_CONTENT:
        # Django sets it for an empty body too.
        response = HttpResponse(status=status, headers=result.headers)
        del response["Content-Type"]
        return response
    return HttpResponse(
        encode(result.answer),
        status=result.status or status,
        content_type="application/json",
        headers=result.headers,
    )


def _admit(request: ApiRequest, operation: Operation, locks: ExitStack) -> None:
    access = operation.access
    principal = cast("Principal | None", request.user) if access.scope else None
    if principal is None:
        if operation.counted == "by_principal":
            limits = limits_of_address(request._request)
            refuse_over_limit(count_request(request._request, limits))
        if access.scope and not access.is_optional:
            raise errors.AccessTokenMissing
        return
    add_to_line(request._request, project_id=principal.project_id)
    limits = limits_of_principal(principal, operation.limit_family)
    if principal.session_id is not None:
        # A browser has this token, so it counts by address as well.
        limits += limits_of_address(request._request)
    if operation.hits != 1:
        limits = [limit._replace(hits=operation.hits) for limit in limits]
    decision = count_request(request._request, limits)
    request.counted_on = limits if decision.allowed else ()
    require_active(
        organization_suspended=principal.organization_suspended,
        project_suspended=principal.project_suspended,
    )
    refuse_over_limit(decision)
    if operation.one_at_a_time:
        try:
            locks.enter_context(one_read_at_a_time(principal.project_id))
        except errors.ReadUnderWay:
            # A refused read counts once, whatever an admitted one counts.
            beyond_one = [limit._replace(hits=limit.hits - 1) for limit in limits]
            request_counter().take_back(beyond_one)
            request.counted_on = [limit._replace(hits=1) for limit in limits]
            count_request(request._request, limits, counting=False)
            raise
    if access.scope not in principal.scopes:
        raise errors.InsufficientScope(str(access.scope))
    if principal.session_id is not None and not access.one_session:
        raise errors.AuthorizationFailed("This token is of one session alone.")


def _read(request: ApiRequest, operation: Operation) -> dict[str, msgspec.Struct]:
    known = operation.query.__struct_encode_fields__ if operation.query is not None else ()
    note_ignored_parameters(request._request, known)
    taken: dict[str, msgspec.Struct] = {}
    misfit: errors.ValidationFailed | None = None
    if operation.body is not None:
        try:
            taken["body"] = body_of(request._request, operation.body, operation.text_body)
        except errors.ValidationFailed as failed:
            misfit = failed
    if operation.idempotent:
        request.idempotency_key = idempotency_key(request._request)
    if misfit is not None:
        raise misfit
    if operation.query is not None:
        taken["query"] = decode_query(request._request, operation.query)
    return taken


def _find_rows(
    access: Access, principal: Principal | None, path: Mapping[str, str]
) -> dict[str, Any]:
    """The rows of the path's ids: `session` for `session_id`. Raises NotFound."""
    found: dict[str, Any] = {}
    for (name, text), rows in zip(path.items(), access.rows, strict=True):
        is_id = _UUID.fullmatch(text)
        row = rows.find(principal, UUID(text), *found.values()) if is_id else None
        if row is None:
            raise errors.NotFound(rows.resource)
        found[name.removesuffix("_id")] = row
    return found
