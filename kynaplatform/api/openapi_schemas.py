"""The JSON Schemas of types on the wire, and examples made of those of their fields."""

from typing import Any

import msgspec
from django.db.models import TextChoices

from kynaplatform.api.openapi_parts import Schema
from kynaplatform.api.wire import Body

REF = "#/components/schemas/{name}"


def schema_of(type_: Any) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a type, and the components that it refers to: its structs by their names."""
    (schema,), components = msgspec.json.schema_components(
        [type_], ref_template=REF, schema_hook=_schema_of_choices
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
