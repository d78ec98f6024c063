"""The TCP ports of this machine."""

import secrets
import socket

# Below the ports that Linux gives to clients, one of which could take it meanwhile.
FIRST_PORT, LAST_PORT = 10_240, 32_767


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
