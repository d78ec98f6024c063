"""The Kyna-Ignored header, which names the fields and parameters of a request that nothing reads.

It is there for whoever has misspelt one: unknown ones are ignored, so nothing else would tell.
Strangers choose the names. So few are told, each cut, and made of visible ASCII.
"""

import re
from collections.abc import Collection, Iterable
from urllib.parse import quote

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

HEADER = "Kyna-Ignored"
MAX_NAMES = 10
MAX_NAME_CHARACTERS = 64
# Visible ASCII, less what separates names, begins an escape, or is the name that is empty.
_AS_THEY_ARE = "!#$&'()*+./:;<=>?@[]^`{|}"
_NO_NAME = '""'
_CUT_ESCAPE = re.compile("%[0-9A-F]?$")


def note_ignored(request: HttpRequest, names: Iterable[str]) -> None:
    """Name these in the response's header as well, up to MAX_NAMES in all."""
    noted: dict[str, None] = request.__dict__.setdefault("ignored_names", {})
    for name in names:
        if len(noted) == MAX_NAMES:
            return
        noted[_shown(name)] = None


def note_ignored_parameters(request: HttpRequest, known: Collection[str]) -> None:
    """The same of the query string's parameters that are not `known`."""
    if not request.META.get("QUERY_STRING"):
        return
    try:
        sent = request.GET
    except TooManyFieldsSent:
        return
    note_ignored(request, (name for name in sent if name not in known))


def add_ignored_header(request: HttpRequest, response: HttpResponse) -> None:
    if noted := request.__dict__.get("ignored_names"):
        response[HEADER] = ", ".join(noted)


def _shown(name: str) -> str:
    """The name as the header has it: other characters as in an address, `%20` for a space."""
    escaped = quote(name[: MAX_NAME_CHARACTERS + 1], _AS_THEY_ARE, errors="surrogatepass")
    if len(escaped) > MAX_NAME_CHARACTERS:
        escaped = _CUT_ESCAPE.sub("", escaped[:MAX_NAME_CHARACTERS])
    return escaped or _NO_NAME
