"""A way between client and server that breaks: a TCP proxy that cuts each connection short."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.waiting import DEADLINE_SECONDS


class CuttingProxy:
    """Connection n is cut after `byte_limits[n]` bytes of the client's, later ones never."""

    def __init__(self, target_port: int, byte_limits: list[int]) -> None:
        self.target_port = target_port
        self._byte_limits = byte_limits
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        # While it is, every connection is closed at once.
        self.is_away = False
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_away:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target_port))
                byte_limit = (
                    self._byte_limits[self.connections]
                    if self.connections < len(self._byte_limits)
                    else None
                )
                self.connections += 1
                self._sockets += [client, server]
                for source, sink, most in ((client, server, byte_limit), (server, client, None)):
                    thread = threading.Thread(target=self._carry, args=(source, sink, most))
                    self._threads.append(thread)
                    thread.start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket, most: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if most is not None:
                    data, most = data[:most], most - len(data)
                sink.sendall(data)
                if most is not None and most <= 0:
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def go_away(self) -> None:
        """Cut every connection, and let none through."""
        self.is_away = True
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # A close alone wakes nobody who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            each.close()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)


@contextlib.contextmanager
def cutting_proxy(target_port: int, *byte_limits: int) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(target_port, list(byte_limits))
    try:
        yield proxy
    finally:
        proxy.close()
