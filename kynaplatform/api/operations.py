"""The declaration of an endpoint, `@Operation`, and the Result that its method may return."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
from django.http import HttpRequest

from kynaplatform.api.bodies import TextBody
from kynaplatform.api.errors import ApiError
from kynaplatform.api.wire import Query

Bearer = Literal["required", "optional", "none"]
# By the principal, or by the address of one without a token; by the view itself; or not at all.
Counted = Literal["by_principal", "by_view", "no"]
Method = TypeVar("Method", bound=Callable[..., Any])


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
    annotated with its struct, and the ids of its path, each annotated with its resource, such as
    `Annotated[UUID, "session"]`.
    """

    summary: str
    returns: Any
    scope: str | None = None
    bearer: Bearer = "required"
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
    # Whether a token of one session may ask: then the method keeps to that session.
    of_session: bool = False
    # Whether the method does nothing for a principal whose state has changed since it was read, but
    # raises PrincipalChanged. Then it need not be read for each request.
    proves_principal: bool = False
    example: Any = None
    body: type[msgspec.Struct] | None = field(init=False, default=None)
    query: type[Query] | None = field(init=False, default=None)
    # What 404 names, by the parameter of the path that is no id.
    resources: dict[str, str] = field(init=False, default_factory=dict)

    def __call__(self, method: Method) -> Method:
        """Raises TypeError for a parameter that the method does not say all of."""
        taken = method.__annotations__ | {}
        self.body, self.query = taken.pop("body", None), taken.pop("query", None)
        for name in taken.keys() - {"request", "return"}:
            if not (resource := getattr(taken[name], "__metadata__", ())):
                raise TypeError(f"{method.__qualname__}: {name} must be annotated with a resource.")
            self.resources[name] = resource[0]
        method.operation = self  # type: ignore[attr-defined]
        return method


def operation_of(view: Any, method: str) -> Operation | None:
    """The operation by which a view, as urls.py names it, serves an HTTP method, if it is ours."""
    actions = getattr(view, "actions", None) or {}
    handler = getattr(view.cls, actions.get(method.lower(), method.lower()), None)
    return getattr(handler, "operation", None)
