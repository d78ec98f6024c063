"""What the OpenAPI document says of the API as a whole, and of each group of operations."""

from typing import Any, Final

DESCRIPTION: Final = (
    "Detect, count and coach human movement.\n\n"
    "What a document of shapes can't say is in the guides: [first steps](/docs/start), "
    "[the API](/docs/api), [the MoveSpec language](/docs/movespec), with "
    "[examples](/docs/movements), and [the stream](/docs/streaming) that a session is "
    "attached to."
)
TAGS: Final[list[dict[str, Any]]] = [
    {"name": "Access tokens", "description": "Mint, list and revoke machine tokens."},
    {
        "name": "MoveSpecs",
        "description": "Describe movements; version, release, fork.",
        "externalDocs": {"description": "The MoveSpec language", "url": "/docs/movespec"},
    },
    {
        "name": "Detection sessions",
        "description": "Create, read and end sessions.",
        "externalDocs": {"description": "The stream", "url": "/docs/streaming"},
    },
    {
        "name": "Webhooks",
        "description": "Be told when something happens.",
        "externalDocs": {"description": "Webhooks", "url": "/docs/webhooks"},
    },
    {"name": "Usage", "description": "Read what your sessions have used."},
    {
        "name": "Subjects",
        "description": "The people whom sessions are for.",
        "externalDocs": {"description": "What is stored of a person", "url": "/docs/privacy"},
    },
    {"name": "Platform", "description": "Keys, schemas, health and metrics."},
]
