"""The OpenAPI document, derived from what `@Operation` declares and from the wire's structs."""

import re
import threading
from collections import defaultdict
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import msgspec
from django.db.models import TextChoices
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from kynaplatform.api import errors
from kynaplatform.api.bodies import (
    IGNORED_HEADER,
    JSON,
    JSON_LINES,
    MAX_IGNORED,
    MAX_IGNORED_CHARACTERS,
)
from kynaplatform.api.errors import ApiError, ErrorBody, ErrorDetail
from kynaplatform.api.idempotency import PATTERN_OF_KEYS
from kynaplatform.api.operations import RUNTIME_SCOPE, Operation, operation_of
from kynaplatform.api.schemas import Body
from kynaplatform.api.views import ApiView

Schema = dict[str, Any]
RATE_LIMIT_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_WHOLE_SECONDS = {"type": "integer", "minimum": 1}
HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The request's id: the client's own where it is well formed.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
    "RateLimit-Limit": {
        "description": "Requests per rolling minute of the limit with the least left.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Remaining": {
        "description": "How many more that limit admits now.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Whole seconds until it admits one more.",
        "schema": _WHOLE_SECONDS,
    },
    "Retry-After": {
        "description": "Whole seconds to wait before trying again.",
        "required": True,
        "schema": _WHOLE_SECONDS,
    },
    "Link": {
        "description": 'The next page as `<absolute address>; rel="next"`; absent on the last.',
        "schema": {"type": "string"},
    },
    "Kyna-Export-Until": {
        "description": "Of the last page: every session that was created before this moment was "
        "exported. Begin the next export with it as `from`.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "Idempotent-Replayed": {
        "description": "`true` when the Idempotency-Key gave an earlier answer again.",
        "schema": {"type": "string", "const": "true"},
    },
    IGNORED_HEADER: {
        "description": "The fields and query parameters that were sent and that nothing reads, "
        f"separated by commas: the first {MAX_IGNORED}, each cut at "
        f"{MAX_IGNORED_CHARACTERS} characters. Others than visible ASCII are "
        "percent-encoded, and so are comma, quote, percent and backslash.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}},
}
SECURITY_SCHEMES: dict[str, Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, minted at POST /api/auth/access-tokens.",
    },
    "runtime_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `runtime_token` of the session's create.",
    },
}
REQUEST_ID_PARAMETER: Schema = {
    "in": "header",
    "name": "X-Request-ID",
    "description": "Comes back on the response and stands on every log line of the request.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY_PARAMETER: Schema = {
    "in": "header",
    "name": "Idempotency-Key",
    # No example: who sends it twice would mean the first request again.
    "description": "1 to 255 visible ASCII characters without spaces, bare or quoted. A new one "
    "for each request that is meant anew.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 512, "pattern": PATTERN_OF_KEYS},
}


class OperationSchema(AutoSchema):
    """One operation of the document."""

    view: ApiView  # type: ignore[override]

    @property
    def operation(self) -> Operation:
        return cast(Operation, getattr(self.view, self._action).operation)

    @property
    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def get_operation_id(self) -> str:
        return f"{self.view.resource}_{self._action}"

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self.operation.summary

    def get_auth(self) -> list[Schema]:
        """The scope is a role of the bearer, as OpenAPI 3.1 has it."""
        access = self.operation.access
        if access.scope is None:
            return [{}]
        if access.scope == RUNTIME_SCOPE:
            return [{"runtime_token": []}]
        return [{"bearer": [access.scope]}, *([{}] if access.is_optional else [])]

    def _get_parameters(self) -> list[Schema]:
        parameters = [
            {
                "in": "path",
                "name": name,
                "description": f"The id of the {rows.resource.replace('_', ' ')}.".replace(
                    "movespec", "MoveSpec"
                ),
                "required": True,
                "schema": {"type": "string", "format": "uuid"},
            }
            for name, rows in zip(
                re.findall(r"\{(\w+)\}", self.path), self.operation.access.rows, strict=True
            )
        ]
        if self.operation.query is not None:
            for field in msgspec.structs.fields(self.operation.query):
                schema = self._schema_of(field.type)
                if field.default not in (msgspec.UNSET, msgspec.NODEFAULT):
                    schema["default"] = field.default
                parameter = {"in": "query", "name": field.encode_name, "schema": schema}
                parameters.append(parameter | ({"required": True} if field.required else {}))
        if self.operation.idempotent:
            parameters.append(IDEMPOTENCY_KEY_PARAMETER)
        return [*parameters, REQUEST_ID_PARAMETER]

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        if self.operation.body is None:
            return None
        content: Schema = {"schema": self._schema_of(self.operation.body)}
        if self.operation.example is not None:
            content["example"] = self.operation.example
        by_type: Schema = {JSON: content}
        if (text := self.operation.text_body) is not None:
            by_type[text.media_type] = {"schema": {"type": "string"}}
            if self.operation.example is not None:
                by_type[text.media_type]["example"] = self.operation.example[text.field]
        return {"required": True, "content": by_type}

    def _get_response_bodies(self, direction: str = "response") -> Schema:
        operation = self.operation
        responses: Schema = {}
        for status in filter(None, (operation.status, operation.also_status)):
            responses[str(status)] = self._success(status)
        by_status: dict[int, list[type[ApiError]]] = defaultdict(list)
        for error in _errors_of(operation):
            by_status[error.status].append(error)
        for status, kinds in sorted(by_status.items()):
            responses[str(status)] = self._failure(status, kinds)
        return responses

    def _success(self, status: int) -> Schema:
        operation = self.operation
        headers = ["X-Request-ID", *self._rate_limit_headers(), IGNORED_HEADER]
        if operation.query is not None and "limit" in operation.query.__struct_fields__:
            headers.append("Link")
        headers.extend(operation.headers)
        if operation.replays:
            headers.append("Idempotent-Replayed")
        answer = {"description": HTTPStatus(status).phrase, "headers": _header_refs(headers)}
        if status == HTTPStatus.NO_CONTENT:
            return answer
        if isinstance(operation.returns, str):
            media_type, content = operation.returns, {"schema": {"type": "string"}}
        else:
            media_type = JSON_LINES if operation.in_lines else JSON
            content = {"schema": self._schema_of(operation.returns)}
            if (example := example_of(*schema_of(operation.returns))) is not None:
                content["example"] = example
        return {**answer, "content": {media_type: content}}

    def _failure(self, status: int, kinds: list[type[ApiError]]) -> Schema:
        headers = ["X-Request-ID"]
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            headers.append("Retry-After")
        if status == HTTPStatus.UNAUTHORIZED:
            headers.append("WWW-Authenticate")
        headers.extend(self._rate_limit_headers())
        headers.append(IGNORED_HEADER)
        examples = {}
        for kind in kinds:
            details = kind.example_details
            if kind is errors.InsufficientScope and self.operation.access.scope:
                details = {"required_scope": self.operation.access.scope}
            body = ErrorBody(ErrorDetail(kind.code, kind.sentence, kind.retryable, details))
            examples[kind.code] = {"summary": kind.sentence, "value": msgspec.to_builtins(body)}
        return {
            "description": ", ".join(f"`{kind.code}`" for kind in kinds),
            "headers": _header_refs(headers),
            "content": {JSON: {"schema": self._schema_of(ErrorBody), "examples": examples}},
        }

    def _rate_limit_headers(self) -> tuple[str, ...]:
        return RATE_LIMIT_HEADERS if self.operation.counted != "no" else ()

    def _schema_of(self, type_: Any) -> Schema:
        """The JSON Schema of a type; its structs become named components."""
        schema, components = schema_of(type_)
        for name, definition in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, schema=definition, object=name
            )
            self.registry.register_on_missing(component)
        return schema


_generating = threading.Lock()


def openapi_document() -> Schema:
    """The OpenAPI 3.1 document; generated once a process, by one thread at a time."""
    with _generating:
        return _openapi_document()


@cache
def _openapi_document() -> Schema:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: Schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


def only_documented_endpoints(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """drf-spectacular preprocessing hook: our operations alone."""
    return [entry for entry in endpoints if operation_of(entry[3], entry[2]) is not None]


def complete_document(result: Schema, **_: Any) -> Schema:
    """drf-spectacular postprocessing hook: the components that operations refer to."""
    add_links(result)
    components = result.setdefault("components", {})
    components |= {"headers": HEADERS, "securitySchemes": SECURITY_SCHEMES}
    return result


OF_ACCESS_TOKENS: tuple[type[ApiError], ...] = (
    *(errors.AccessTokenMissing, errors.AccessTokenInvalid, errors.AccessTokenExpired),
    errors.InsufficientScope,
)
OF_PRINCIPALS = (errors.OrganizationSuspended, errors.ProjectSuspended)


def _errors_of(operation: Operation) -> list[type[ApiError]]:
    body = (errors.MalformedRequest, errors.PayloadTooLarge, errors.UnsupportedMediaType)
    always = (errors.MethodNotAllowed, errors.InternalError, errors.ServiceUnavailable)
    kinds: tuple[tuple[object, tuple[type[ApiError], ...]], ...] = (
        (operation.access.scope not in (None, RUNTIME_SCOPE), OF_ACCESS_TOKENS),
        (operation.access.scope, OF_PRINCIPALS),
        (operation.counted != "no", (errors.RateLimited,)),
        (operation.body, (*body, errors.ValidationFailed)),
        (operation.query, (errors.ValidationFailed,)),
        (operation.idempotent, (errors.IdempotencyKeyInvalid,)),
        (operation.replays, (errors.IdempotencyKeyReused,)),
        (True, operation.errors),
        (operation.access.rows, (errors.NotFound,)),
        (hasattr(operation.body, "project_id"), (errors.ProjectMismatch,)),
        (True, always),
    )
    return list(dict.fromkeys(kind for applies, found in kinds if applies for kind in found))


def _header_refs(names: list[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


# The field of an answer that holds a path's id, where it is not called as the path calls it.
FIELDS = {"version_id": "movespec_version_id"}
CREATED = "201"


def add_links(document: Schema) -> None:
    """Link what answers 201 to each operation whose path has just the ids of that answer."""
    ids_of_paths = [
        (operation, frozenset(re.findall(r"\{(\w+)\}", path)))
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    # Every answer names its project, which nothing here creates.
    every_id = frozenset().union(*(ids for _, ids in ids_of_paths)) - {"project_id"}
    for creating, _ in ids_of_paths:
        if (answer := creating["responses"].get(CREATED)) is None:
            continue
        (content,) = answer["content"].values()
        name = content["schema"]["$ref"].rpartition("/")[2]
        fields = document["components"]["schemas"][name]["properties"]
        ids = {id_ for id_ in every_id if FIELDS.get(id_, id_) in fields}
        answer["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "description": operation["summary"],
                "parameters": {
                    name: f"$response.body#/{FIELDS.get(name, name)}" for name in sorted(ids)
                },
            }
            for operation, ids_of_path in ids_of_paths
            if ids_of_path == ids
        }


def schema_of(type_: Any) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a type, and the components that it refers to: its structs by their names."""
    (schema,), components = msgspec.json.schema_components(
        [type_], ref_template="#/components/schemas/{name}", schema_hook=_schema_of_choices
    )
    if isinstance(type_, type) and issubclass(type_, Body) and type_.shapes:
        # Within allOf, since generators of clients take anyOf and oneOf for the whole schema.
        components[type_.__name__]["allOf"] = [type_.shapes]
    return schema, components


def example_of(schema: Schema, components: dict[str, Schema]) -> Any:
    """A value that the schema describes, of the examples in it; None where it says too little."""
    if "examples" in schema:
        return schema["examples"][0]
    match schema:
        case {"$ref": str(reference)}:
            return example_of(components[reference.rpartition("/")[2]], components)
        case {"enum": [first, *_]}:
            return first
        case {"type": "array", "items": items}:
            one = example_of(items, components)
            return None if one is None else [one]
        case {"properties": properties, "required": required}:
            return {name: example_of(properties[name], components) for name in required}
    return None


def _schema_of_choices(type_: Any) -> Schema:
    """The schema of an enum of Django's, which msgspec decodes but does not know to describe."""
    if not issubclass(type_, TextChoices):
        raise NotImplementedError
    return {"enum": sorted(type_.values)}
