"""The TCP ports of this machine."""

import secrets
import socket

# Below the ports that Linux gives to clients, one of which could take it meanwhile.
FIRST_PORT, LAST_PORT = 10_240, 32_767
_given: set[int] = set()


def free_port(also_free: int = 0) -> int:
    """A port that nothing listens on at this moment, and that no call before has given.

    The same is so of the port that comes `also_free` after it.
    """
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - also_free - FIRST_PORT + 1)
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
