"""The headers, parameters and security schemes of the OpenAPI document."""

from typing import Any

from kynaplatform.api.bodies import IGNORED_HEADER, MAX_IGNORED, MAX_IGNORED_CHARACTERS
from kynaplatform.api.idempotency import PATTERN_OF_KEYS

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
