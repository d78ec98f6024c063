"""JSON bodies and query strings into typed structs, every fault named by its field."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest

from kynaplatform.api.errors import (
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)

MOST_BODY_BYTES = 512 * 1024
MOST_DISCARDED_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
S = TypeVar("S", bound=msgspec.Struct)
_PATH = re.compile(r" - at `\$(.*)`$")
_JSON_TYPE = re.compile(r"application/json\s*(;\s*charset=\"?utf-?8\"?\s*)?;?", re.IGNORECASE)
# What neither a UTF-8 encoder nor PostgreSQL can store.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_body(request: HttpRequest) -> bytes:
    """The request's JSON text; raises 415 for another type, 413 over 512 KiB."""
    if not _JSON_TYPE.fullmatch(request.META.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType
    declared = request.META.get("CONTENT_LENGTH") or None
    if declared is None:
        # A chunked body: Django reads none where no length is declared.
        body = request.environ["wsgi.input"].read(MOST_BODY_BYTES + 1)  # type: ignore[attr-defined]
    elif int(declared) > MOST_BODY_BYTES:
        raise PayloadTooLarge
    else:
        body = request.body
    if len(body) > MOST_BODY_BYTES:
        raise PayloadTooLarge
    return bytes(body)


def discard_body(request: HttpRequest) -> None:
    """Read what was sent and not asked for: many clients hear no answer before they sent all.

    Bounded: who sends more than 8 MiB may lose the connection instead.
    """
    if request._read_started:  # type: ignore[attr-defined]
        return
    for _ in range(MOST_DISCARDED_BYTES // CHUNK_BYTES):
        if not request.read(CHUNK_BYTES):
            break


def decode_body(body: bytes, struct: type[S]) -> S:
    """`body` as `struct`; raises 400 when it is not JSON, 422 when it does not fit."""
    try:
        decoded = msgspec.json.decode(body, type=struct)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        decoded = _decode_slowly(body, struct)
    if b"\\u" in body:
        _refuse_unstorable(msgspec.to_builtins(decoded))
    return decoded


def decode_query(request: HttpRequest, struct: type[S]) -> S:
    """The query string as `struct`; unknown parameters are ignored, a bad one is 422."""
    try:
        sent = request.GET
    except TooManyFieldsSent:
        raise ValidationFailed({"query": ["Too many parameters."]}) from None
    given = {name: _number_or_text(sent[name]) for name in struct.__struct_fields__ if name in sent}
    _refuse_unstorable(given)
    if faults := _faults_of_fields(given, struct):
        raise ValidationFailed(faults)
    return msgspec.convert(given, struct)


def _number_or_text(text: str) -> int | str:
    """A parameter of digits alone is a number: no text of ours may be one."""
    return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else text


def _decode_slowly(body: bytes, struct: type[S]) -> S:
    """What msgspec refused, once more: it stops at the first fault, this names up to 20.

    A fault of its own taste in an unknown field, such as a lone surrogate, is none.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant, parse_int=_read_int)
    except (ValueError, RecursionError):
        raise MalformedRequest from None
    if not isinstance(value, dict):
        raise ValidationFailed({"body": ["Expected an object."]})
    value = {name: value[name] for name in struct.__struct_encode_fields__ if name in value}
    try:
        _refuse_unstorable(value)
        faults = _faults_of_fields(value, struct)
    except RecursionError:
        raise MalformedRequest from None
    if faults:
        raise ValidationFailed(faults)
    return msgspec.convert(value, struct)


def _read_int(digits: str) -> int | float:
    """Python refuses to read an integer of over 4,300 digits; none of our fields holds one."""
    return int(digits) if len(digits) <= 4_000 else float(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _faults_of_fields(value: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    for field in msgspec.structs.fields(struct):
        if field.encode_name in value:
            for path, message in _faults(value[field.encode_name], field.type):
                faults.setdefault(f"{field.encode_name}{path}", []).append(message)
        elif field.required:
            faults[field.encode_name] = ["This field is required."]
    if not faults:
        try:
            msgspec.convert(value, struct)
        except msgspec.ValidationError as error:
            faults["body"] = [str(error)]
    return faults


def _faults(value: Any, type_: Any) -> Iterator[tuple[str, str]]:
    item_type = _item_type(type_)
    if item_type is not None and isinstance(value, list):
        for index, item in enumerate(value):
            for path, message in _faults(item, item_type):
                yield f".{index}{path}", message
        if not value:
            yield from _fault_of(value, type_)
    else:
        yield from _fault_of(value, type_)


def _fault_of(value: Any, type_: Any) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        text = str(error)
        path = _PATH.search(text)
        dotted = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path[1]) if path else ""
        yield dotted, _PATH.sub("", text) + "."


def _item_type(type_: Any) -> Any:
    """The item type of a list type, seen through Annotated and `| None`."""
    if get_origin(type_) is list:
        return get_args(type_)[0]
    for argument in get_args(type_):
        if (item := _item_type(argument)) is not None:
            return item
    return None


def _refuse_unstorable(value: Any, path: str = "") -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_unstorable(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(item, f"{path}.{index}")
    elif isinstance(value, str) and _UNSTORABLE.search(value):
        raise ValidationFailed(
            {path or "body": ["Holds NUL or a lone surrogate, which can't be stored."]}
        )
