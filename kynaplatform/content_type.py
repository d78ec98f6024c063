"""Content types that Django can't read, before it tries."""

import codecs
from typing import Any

from django.utils.http import parse_header_parameters


def forget_unreadable(environ: dict[str, Any]) -> None:
    """Make of a request whose Content-Type is no such header, or not UTF-8, one without.

    Django reads the header where no handler answers for what it raises, and decodes whole
    addresses and forms by the charset in it, which may be any codec of Python's.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    if ";" in content_type and not _is_readable(content_type):
        environ["CONTENT_TYPE"] = ""


def _is_readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name == "utf-8"
    except (LookupError, ValueError):
        return False
