"""Bodies and query strings as structs; each fault is named by its field."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

from detection.language.issues import nearest
from kynaplatform.api import errors
from kynaplatform.api.faults import NotJson, faults_of, read_json, shown_name
from kynaplatform.api.schemas import Query

MAX_BODY_BYTES = 512 * 1024
# Our structs are no deeper.
MAX_NAMES = 8
S = TypeVar("S", bound=msgspec.Struct)
Q = TypeVar("Q", bound=Query)
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
_MEDIA_TYPE = re.compile(r"([a-z]+/[a-z]+)\s*(;\s*charset=\"?utf-?8\"?\s*)?;?", re.IGNORECASE)
_NUMBER = re.compile("-?[0-9]{1,18}")
# What UTF-8 or PostgreSQL can't store.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class TextBody(NamedTuple):
    """A body of `media_type` that is the text of one field, in UTF-8."""

    media_type: str
    field: str


def body_of(request: HttpRequest, struct: type[S], text: TextBody | None = None) -> S:
    """The body as `struct`, from JSON or from `text`.

    Raises 415 for another media type, 413, 400 for invalid JSON, and 422.
    """
    taken = [JSON] if text is None else [JSON, text.media_type]
    sent = _MEDIA_TYPE.fullmatch(request.META.get("CONTENT_TYPE", ""))
    media_type = sent and sent[1].lower()
    if media_type not in taken:
        raise errors.UnsupportedMediaType(f"Send the body as {' or '.join(taken)}, in UTF-8.")
    body = read_body(request)
    if text is None or media_type == JSON:
        return decode_body(request, body, struct)
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # Unlike JSON, a text without its end looks whole.
        raise errors.MalformedRequest("Send this body with a Content-Length.")
    try:
        given = {text.field: body.decode()}
    except UnicodeDecodeError as error:
        fault = f"This field must be UTF-8, which the byte at offset {error.start} is not."
        raise errors.ValidationFailed({text.field: [fault]}) from None
    _refuse_unstorable(given)
    return msgspec.convert(given, struct)


def read_body(request: HttpRequest) -> bytes:
    """The bytes of the body; raises 413 over 512 KiB, 400 where it breaks off."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    try:
        body = request.body
    except RequestDataTooBig:
        raise errors.PayloadTooLarge from None
    # granian passes on what has arrived, and raises nothing.
    if len(body) < length:
        raise errors.MalformedRequest("The body did not arrive whole.")
    return body


def decode_body(request: HttpRequest, body: bytes, struct: type[S]) -> S:
    """`body` as `struct`; raises 400 if it isn't JSON, 422 if it doesn't fit.

    Notes unknown fields for the response's header.
    """
    decoded: S
    try:
        decoded = _strict_decoder(struct)(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        decoded = _decode_slowly(request, body, struct)
    if b"\\u" in body:
        _refuse_unstorable(msgspec.to_builtins(decoded))
    return decoded


@cache
def _strict_decoder(struct: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    """A decoder that refuses unknown fields, so that a body without any is read once."""
    strict = msgspec.defstruct(struct.__name__, [], bases=(struct,), forbid_unknown_fields=True)
    return msgspec.json.Decoder(strict).decode


def decode_query(request: HttpRequest, struct: type[Q]) -> Q:
    """The query string as `struct`; ignores unknown parameters, raises 422 for a bad one."""
    try:
        sent = request.GET
    except TooManyFieldsSent:
        raise errors.ValidationFailed({"query": ["Too many parameters."]}) from None
    given: dict[str, str | int] = {}
    for name in struct.__struct_encode_fields__:
        if name in sent:
            is_number = name not in struct.texts and _NUMBER.fullmatch(sent[name])
            given[name] = int(sent[name]) if is_number else sent[name]
    _refuse_unstorable(given)
    try:
        return msgspec.convert(given, struct)
    except msgspec.ValidationError:
        raise errors.ValidationFailed(_faults_of_fields(given, struct)) from None


def _decode_slowly(request: HttpRequest, body: bytes, struct: type[S]) -> S:
    """Read a body again that has an unknown field or doesn't fit, to name up to 20 faults.

    Of texts that can't be stored only the first is named. An unknown field is no fault, whatever
    it contains.
    """
    try:
        value = read_json(body)
    except NotJson as fault:
        raise errors.MalformedRequest(
            f"The body could not be read as JSON{fault}", **fault.place
        ) from None
    if not isinstance(value, dict):
        raise errors.ValidationFailed({"body": ["The body must be a JSON object."]})
    note_ignored(request, value, struct.__struct_encode_fields__)
    value = {name: value[name] for name in struct.__struct_encode_fields__ if name in value}
    try:
        if b"\\u" in body:
            _refuse_unstorable(value)
        faults = _faults_of_fields(value, struct)
    except RecursionError:
        raise errors.MalformedRequest from None
    if faults:
        raise errors.ValidationFailed(faults)
    return msgspec.convert(value, struct)


def _faults_of_fields(value: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, list[str]]:
    """Up to MAX_FIELD_ERRORS fields at fault, each with its messages."""
    faults: dict[str, list[str]] = {}
    for path, fault in islice(faults_of(value, struct), errors.MAX_FIELD_ERRORS):
        faults.setdefault(path, []).append(f"This field {fault}.")
    return faults


def _refuse_unstorable(value: Any) -> None:
    if (path := _path_to_unstorable(value)) is not None:
        field = ".".join(path[: -MAX_NAMES - 1 : -1]) or "body"
        raise errors.ValidationFailed(
            {field: ["Holds NUL or a lone surrogate, which can't be stored."]}
        )


def _path_to_unstorable(value: Any) -> list[str] | None:
    """The names that lead to such a text, the last first, or None."""
    if isinstance(value, str):
        return [] if _UNSTORABLE.search(value) else None
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, item in items:
        path = [] if _UNSTORABLE.search(str(name)) else _path_to_unstorable(item)
        if path is not None:
            path.append(shown_name(str(name)))
            return path
    return None


IGNORED_HEADER = "Kyna-Ignored"
MAX_IGNORED = 10
MAX_IGNORED_CHARACTERS = 64
# Visible ASCII, except what separates names, what follows one, begins an escape, or stands for an
# empty name.
_AS_THEY_ARE = "!#$&'()*+./:<=>?@[]^`{|}"
_NO_NAME = '""'
_CUT_ESCAPE = re.compile("%[0-9A-F]?$")


def note_ignored(request: HttpRequest, names: Iterable[str], known: Collection[str]) -> None:
    """Name those that aren't `known` in the response's header, up to MAX_IGNORED in all.

    One that looks like a known name comes with it: `Mode;nearest=mode`.
    """
    noted: dict[str, str] = request.__dict__.setdefault("ignored_names", {})
    for name in names:
        if len(noted) == MAX_IGNORED:
            return
        if name not in known and (escaped := _escaped(name)) not in noted:
            like = nearest(name, known)
            noted[escaped] = f"{escaped};nearest={like}" if like else escaped


def note_ignored_parameters(request: HttpRequest, known: Collection[str]) -> None:
    if not request.META.get("QUERY_STRING"):
        return
    try:
        sent = request.GET
    except TooManyFieldsSent:
        return
    note_ignored(request, sent, known)


def add_ignored_header(request: HttpRequest, response: HttpResponse) -> None:
    if noted := request.__dict__.get("ignored_names"):
        response[IGNORED_HEADER] = ", ".join(noted.values())


def _escaped(name: str) -> str:
    """The name as in the header: other characters are percent-encoded, as in a URL."""
    escaped = quote(name[: MAX_IGNORED_CHARACTERS + 1], _AS_THEY_ARE, errors="surrogatepass")
    if len(escaped) > MAX_IGNORED_CHARACTERS:
        escaped = _CUT_ESCAPE.sub("", escaped[:MAX_IGNORED_CHARACTERS])
    return escaped or _NO_NAME
