"""The links of the OpenAPI document: from what creates something to what is done with it."""

from collections.abc import Iterator
from re import findall
from typing import Any

from kynaplatform.api.openapi_parts import Schema

# The field of an answer that holds a path's id, where it is not called as the path calls it.
FIELDS = {"version_id": "movespec_version_id"}
CREATED = "201"


def add_links(document: Schema) -> None:
    """Link what answers 201 to each operation whose path has just the ids of that answer."""
    operations = [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    ids_of_paths = [
        (operation, frozenset(findall(r"\{(\w+)\}", path))) for path, operation in operations
    ]
    # Every answer names its project, which nothing here creates.
    every_id = frozenset().union(*(ids for _, ids in ids_of_paths)) - {"project_id"}
    for _, creating in operations:
        if (answer := creating["responses"].get(CREATED)) is None:
            continue
        fields = _fields_of(answer, document)
        ids = {name for name in every_id if FIELDS.get(name, name) in fields}
        answer["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "description": operation["summary"],
                "parameters": dict(_parameters(ids)),
            }
            for operation, ids_of_path in ids_of_paths
            if ids_of_path == ids
        }


def _parameters(ids: set[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(ids):
        yield name, f"$response.body#/{FIELDS.get(name, name)}"


def _fields_of(answer: Schema, document: Schema) -> dict[str, Any]:
    (content,) = answer["content"].values()
    name = content["schema"]["$ref"].rpartition("/")[2]
    fields: dict[str, Any] = document["components"]["schemas"][name]["properties"]
    return fields
