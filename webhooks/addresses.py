"""The addresses that messages may go to: public ones, except in development.

Otherwise an endpoint's URL could make the platform send requests to what only it can reach: its own
machine, its neighbours, the cloud's metadata. A name proves nothing: it may resolve to another
address each time.
"""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AI_NUMERICHOST, getaddrinfo
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

# Routed unicast of IPv6. Not in it: loopback, link-local, unique local and multicast addresses, and
# the mapped and translated forms of IPv4.
_ROUTED: Final = IPv6Network("2000::/3")
# Written out, since Python's `is_global` differs between its versions.
_NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's services at a public address: Azure's
        "169.254.0.0/16",  # link-local, with the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # of documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # of benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved and broadcast
        "2001::/23",  # of protocols; Teredo's, which holds an IPv4 address, among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: holds an IPv4 address
        "3fff::/20",
    )
)
# Its last four bytes are the IPv4 address that a NAT64 gateway sends to.
_NAT64: Final = IPv6Network("64:ff9b::/96")
_FIRST_UNPRIVILEGED_PORT: Final = 1024
# The only failure that customers see of a try without a connection, so that they can't explore our
# network.
NO_CONNECTION: Final = "No connection to the receiver."


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody on the Internet can reach the address."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(address.packed[-4:]))
        if address not in _ROUTED:
            return False
    return not any(address in network for network in _NOT_PUBLIC)


def is_allowed(address: str) -> bool:
    """Whether messages may go to this IP address."""
    if not settings.PRODUCTION:
        return True
    try:
        return is_public(ip_address(address))
    except ValueError:  # with a scope, such as fe80::1%eth0
        return False


def fault_of_url(url: str) -> str | None:
    """The fault of an endpoint's URL, as a sentence; None if it has none.

    Names are not resolved here: the client's request would wait for a name server.
    """
    if any(not "!" <= character <= "~" for character in url):
        return "Holds a space, or a character that is not ASCII: encode it."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "Is not a URL."
    schemes = ("https",) if settings.PRODUCTION else ("https", "http")
    if parts.scheme not in schemes or not host:
        return "Must begin with https:// and a host."
    if "@" in parts.netloc or "\\" in parts.netloc or "#" in url:
        return "Must have no user, password or fragment."
    if settings.PRODUCTION and port not in (None, 443) and (port or 0) < _FIRST_UNPRIVILEGED_PORT:
        return "Its port must be 443, or 1024 and above."
    literal = _literal(host)
    return None if literal is None or is_allowed(literal) else "Must be a public address."


def _literal(host: str) -> str | None:
    """The IP address that `host` is, in any notation; None for a name."""
    with suppress(ValueError):
        return str(ip_address(host))
    # Notations such as 0x7f.1. AI_NUMERICHOST asks no server.
    with suppress(OSError, UnicodeError):
        return str(getaddrinfo(host, None, flags=AI_NUMERICHOST)[0][4][0])
    return None
