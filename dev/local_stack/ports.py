"""The TCP ports of this machine."""

import secrets
import socket

# Below the ports that Linux gives to clients, one of which could take it meanwhile.
FIRST_PORT, LAST_PORT = 10_240, 32_767
_given: set[int] = set()
_range = range(FIRST_PORT, LAST_PORT + 1)


def share_ports(number: int, processes: int) -> None:
    """Give this one of several processes its own part of the range.

    Otherwise two could return the same port before either's server listens.
    """
    global _range
    each = (LAST_PORT + 1 - FIRST_PORT) // processes
    first = FIRST_PORT + number % processes * each
    _range = range(first, first + each)


def free_port(also_free: int = 0) -> int:
    """A port that nothing listens on, and that no earlier call returned.

    The port `also_free` above it is free too.
    """
    while True:
        port = _range[secrets.randbelow(len(_range) - also_free)]
        wanted = {port, port + also_free}
        if wanted.isdisjoint(_given) and all(map(_can_be_bound, wanted)):
            _given.update(wanted)
            return port


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
