"""Real ids in place of generated ones, so that schemathesis gets past 401, 403 and 404.

Only what is valid is replaced: what was made wrong on purpose stays wrong.
"""

import json
import os
import re
from typing import Any
from uuid import UUID, uuid4

import schemathesis

REAL = json.loads(os.environ["REAL"])
KEYS = re.compile(os.environ["KEYS"])
MAX_CURSOR = 100


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _real(name, value) for name, value in body.items()}
    return body


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    """Each key is a new one: another request with the same one is refused, however well it fits."""
    key = (headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and KEYS.fullmatch(key):
        headers["Idempotency-Key"] = uuid4().hex
    return headers


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A list goes on behind what it gave out: a real place, or from the beginning."""
    query = case.query or {}
    for name in [name for name, value in query.items() if _is_place(name, value)]:
        query[name] = REAL.get(name)
        if query[name] is None:
            del query[name]


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """What is no string is sent as YAML too, whose text is one: there is nothing to refuse."""
    return case.media_type != "application/yaml" or isinstance(case.body, str)


def _is_place(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return _is_uuid(value) if name == "after" else name == "cursor" and len(value) <= MAX_CURSOR


def _real(name: str, value: Any) -> Any:
    if name not in REAL or not isinstance(value, str):
        return value
    if name == "api_key":
        return REAL[name] if value else value
    return REAL[name] if _is_uuid(value) else value


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
