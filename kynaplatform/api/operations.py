"""The declaration of an endpoint: who may call it, what it takes, and what it answers."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from django.http import HttpRequest

from kynaplatform.api.bodies import TextBody
from kynaplatform.api.errors import ApiError
from kynaplatform.api.schemas import Query

# By the principal, or by the address of one without a token; by the view itself; or not at all.
Counted = Literal["by_principal", "by_view", "no"]
Method = TypeVar("Method", bound=Callable[..., Any])


class Rows(NamedTuple):
    """The rows that an id of a path may name, and what the 404 for any other names.

    `find` takes the principal, the id and the rows of the ids before it in the path. It returns
    the row, or None, which answers as if there were no such row.
    """

    resource: str
    find: Callable[..., Any]


class Access:
    """Who may call an operation: a principal with `scope`, for `rows`, one for each id of its path.

    None is everybody: then no token is looked at. Where the bearer `is_optional`, `rows` are found
    for None without one. A token of one session is refused unless `one_session`; then the rows
    that it finds or lists are of that session.
    """

    def __init__(
        self, scope: str | None, *rows: Rows, is_optional: bool = False, one_session: bool = False
    ) -> None:
        self.scope = scope
        self.rows = rows
        self.is_optional = is_optional
        self.one_session = one_session


PUBLIC = Access(None)


@dataclass(frozen=True, slots=True)
class Result:
    """An answer with headers, or with another status than its operation's."""

    answer: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Operation:
    """A decorator that tells the checks and the OpenAPI document what an endpoint is.

    It changes nothing of the method, which itself says what it takes: `body` and `query`, each
    annotated with its struct, and the row of each id in its path: `session` for `<session_id>`. Who
    may call it is in the `access` of its view.
    """

    summary: str
    returns: Any
    # What else than JSON the body may be.
    text_body: TextBody | None = None
    # The answer is lines of JSON, each of them what is returned.
    in_lines: bool = False
    # Of its answer, beside those that every answer of its kind has.
    headers: tuple[str, ...] = ()
    status: int = 200
    also_status: int | None = None
    errors: tuple[type[ApiError], ...] = ()
    idempotent: bool = False
    replays: bool = False
    counted: Counted = "by_principal"
    # Entered with the request before its body is looked at, and left once it fits or is refused.
    around_body: Callable[[HttpRequest], AbstractContextManager[Any]] = nullcontext
    limit_family: str | None = None
    # How many requests it counts as.
    hits: int = 1
    # A project has one such request under way, and a process of a server one thread for them all.
    one_at_a_time: bool = False
    # Whether the method does nothing for a principal whose state has changed since it was read, but
    # raises PrincipalChanged. Then it need not be read for each request.
    proves_principal: bool = False
    example: Any = None
    body: type[msgspec.Struct] | None = field(init=False, default=None)
    query: type[Query] | None = field(init=False, default=None)
    access: Access = field(init=False)

    def __call__(self, method: Method) -> Method:
        taken = method.__annotations__
        self.body, self.query = taken.get("body"), taken.get("query")
        method.operation = self  # type: ignore[attr-defined]
        return method


def operation_of(view: Any, method: str) -> Operation | None:
    """The operation by which a view, as urls.py names it, serves an HTTP method, if it is ours."""
    actions = getattr(view, "actions", None) or {}
    handler = getattr(view.cls, actions.get(method.lower(), method.lower()), None)
    return getattr(handler, "operation", None)
