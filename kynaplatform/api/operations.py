"""Endpoints as they are declared: who may call each, what it takes and returns; and principals."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from django.http import HttpRequest

from kynaplatform.api.bodies import TextBody
from kynaplatform.api.errors import ApiError, HeldByAnother, OrganizationSuspended, ProjectSuspended
from kynaplatform.api.schemas import Query

# By the principal, or by address without a token; by the view itself; or not at all.
Counted = Literal["by_principal", "by_view", "no"]
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Quotas:
    """Requests per rolling minute, and live sessions at once, from staff or the defaults."""

    project: int
    organization: int
    sessions: int
    movespecs: int
    live_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A machine with a live access token of a project, or of one of its sessions.

    `state` digests every database value below: while it is unchanged, so are they.
    """

    token_id: UUID
    state: str
    credential_id: UUID
    project_id: UUID
    organization_id: UUID
    scopes: frozenset[str]
    session_id: UUID | None
    # None of a session's runtime token, which counts on itself and its address.
    quotas: Quotas | None
    organization_suspended: bool
    project_suspended: bool


class PrincipalChanged(HeldByAnother):
    """The principal's state has changed since it was read."""


def require_active(*, organization_suspended: bool, project_suspended: bool) -> None:
    if organization_suspended:
        raise OrganizationSuspended
    if project_suspended:
        raise ProjectSuspended


class Rows(NamedTuple):
    """The rows that a path's id may name, and the resource that a 404 for any other names.

    `find` takes the principal, the id and the rows of the ids before it in the path, and returns
    the row or None.
    """

    resource: str
    find: Callable[..., Any]


class Access:
    """Who may call an operation: a principal with `scope`, for `rows`, one for each id of its path.

    Scope None lets everybody in and ignores tokens. With `is_optional`, requests without a bearer
    pass, and `rows` gets None as the principal. A token of one session is refused unless
    `one_session`; then the view and `rows` give that session's rows alone.
    """

    def __init__(
        self, scope: str | None, *rows: Rows, is_optional: bool = False, one_session: bool = False
    ) -> None:
        self.scope = scope
        self.rows = rows
        self.is_optional = is_optional
        self.one_session = one_session


PUBLIC = Access(None)
# Of a session's runtime token, and of no access token.
RUNTIME_SCOPE = "runtime"


@dataclass(frozen=True, slots=True)
class Result:
    """An answer with headers, or with another status than its operation's."""

    answer: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Operation:
    """A decorator that declares an endpoint for the checks and the OpenAPI document.

    The method stays as it is. Its annotations give the structs of `body` and `query`, and that of
    the answer unless `returns` does; it also takes the row of each id in its path: `session` for
    `<session_id>`. The view's `access` gives who may call it.
    """

    summary: str
    returns: Any = msgspec.UNSET
    # Another form of the body than JSON.
    text_body: TextBody | None = None
    # The answer is lines of JSON, each of type `returns`.
    in_lines: bool = False
    # Headers beside those that every such answer has.
    headers: tuple[str, ...] = ()
    status: int = 200
    also_status: int | None = None
    # Beside those that follow from its access, body and idempotency key.
    errors: tuple[type[ApiError], ...] = ()
    idempotent: bool = False
    replays: bool = False
    counted: Counted = "by_principal"
    # Entered before the body is read, and left once it is valid or refused.
    around_body: Callable[[HttpRequest], AbstractContextManager[Any]] = nullcontext
    limit_family: str | None = None
    # How many requests it counts as.
    hits: int = 1
    # A project has one such request under way, and each server process one for all projects.
    one_at_a_time: bool = False
    # The method raises PrincipalChanged, and changes nothing, if the principal's state has changed
    # since it was read. So the principal may come from the cache.
    proves_principal: bool = False
    example: Any = None
    body: type[msgspec.Struct] | None = field(init=False, default=None)
    query: type[Query] | None = field(init=False, default=None)
    access: Access = field(init=False)

    def __call__(self, method: Method) -> Method:
        taken = method.__annotations__
        self.body, self.query = taken.get("body"), taken.get("query")
        if self.returns is msgspec.UNSET:
            self.returns = taken["return"]
        method.operation = self  # type: ignore[attr-defined]
        return method


def operation_of(view: Any, method: str) -> Operation | None:
    """The operation that serves an HTTP method of a view in urls.py; None if it isn't ours."""
    actions = getattr(view, "actions", None) or {}
    handler = getattr(view.cls, actions.get(method.lower(), method.lower()), None)
    return getattr(handler, "operation", None)
