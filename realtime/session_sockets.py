"""The sockets of each session, from before they attach, so that none misses a change of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from realtime.socket import Order, Socket


class SessionSockets:
    """The sockets that attach to a session, or hold it."""

    def __init__(self) -> None:
        self._of: dict[UUID, set[Socket]] = {}

    @contextmanager
    def joined(self, session_id: UUID, web_socket: Socket) -> Iterator[None]:
        """Inside the block the socket is given the orders to its session, and to all."""
        of_session = self._of.setdefault(session_id, set())
        of_session.add(web_socket)
        try:
            yield
        finally:
            of_session.discard(web_socket)
            if not of_session:
                del self._of[session_id]

    def order(self, session_id: UUID, order: Order) -> None:
        for web_socket in self._of.get(session_id, ()):
            web_socket.order(order)

    def all(self) -> set[Socket]:
        return set().union(*self._of.values())
