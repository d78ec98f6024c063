"""The address of a client, as far as its proxies can be believed."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Nothing longer is an address, and none longer is kept.
MAX_ADDRESS_CHARACTERS = 64


class ForwardedMiddleware:
    """Forget X-Forwarded-Proto unless a trusted proxy says it: Django believes what is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forget_untrusted_scheme(request)
        return self.get_response(request)


def forget_untrusted_scheme(request: HttpRequest) -> None:
    said = "HTTP_X_FORWARDED_PROTO"
    if said in request.META and not is_from_proxy(request):
        del request.META[said]


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether one of TRUSTED_PROXIES has passed the request on."""
    return _is_trusted(str(request.META.get("REMOTE_ADDR", "")))


def client_address(request: HttpRequest) -> str:
    """The address that a request counts on."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    return address_of_peer(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_of_peer(peer: str, forwarded_for: str) -> str:
    """The peer, or behind TRUSTED_PROXIES the last X-Forwarded-For entry that is no proxy.

    An IPv6 address stands for its /64, which one subscriber holds whole.
    """
    if settings.TRUSTED_PROXIES and _is_trusted(peer):
        for hop in reversed(forwarded_for.split(",")):
            if not (hop := _without_port(hop.strip())):
                continue
            peer = hop
            if not _is_trusted(hop):
                break
    return _counted_as(peer[:MAX_ADDRESS_CHARACTERS])


def _without_port(hop: str) -> str:
    """The address of `192.0.2.1:4711` or `[2001:db8::1]:4711`, as some proxies write it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_trusted(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4096)
def _counted_as(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)
