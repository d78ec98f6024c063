"""The name of an endpoint's host, looked at where the endpoint is set.

It says early what each sending would say. What it says is not relied on: a name may resolve to
another address a moment later.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from webhooks.addresses import NOT_PUBLIC, is_allowed

LONGEST_SECONDS: Final = 2.0
# A server of names that does not answer holds no more than these, and no thread of a request.
_THREADS: Final = ThreadPoolExecutor(8, "webhooks-names")


def fault_of_host(url: str) -> str | None:
    """NOT_PUBLIC where the host resolves to such an address; None where it does not, or not yet."""
    host = urlsplit(url).hostname
    if not settings.PRODUCTION or host is None:
        return None
    looked_up = _THREADS.submit(socket.getaddrinfo, host, None)
    try:
        found = looked_up.result(LONGEST_SECONDS)
    except (OSError, UnicodeError, TimeoutError):
        # One that has not begun is wanted no more.
        looked_up.cancel()
        return None
    addresses = {str(address[0]) for *_, address in found}
    return None if all(map(is_allowed, addresses)) else NOT_PUBLIC
