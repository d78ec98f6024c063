"""A database of a test's own on the tests' server, for processes of other users."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """Gives its address, which is one of TCP: others may not enter the folder of a socket."""
    server = urlsplit(settings.DATABASE_URL)
    name = f"production_{secrets.token_hex(6)}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            with contextlib.ExitStack() as stack:
                if server.hostname is None:
                    [folder] = parse_qs(server.query)["host"]
                    port = stack.enter_context(forwarding(f"{folder}/.s.PGSQL.{server.port}"))
                    who = server.netloc.rpartition("@")[0]
                    server = server._replace(netloc=f"{who}@127.0.0.1:{port}", query="")
                yield server._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def forwarding(path: str) -> Iterator[int]:
    """A port of this machine behind which the socket at `path` answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(path)
                    for ends in ((client, server), (server, client)):
                        threading.Thread(target=carry, args=ends, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            # A close alone wakes nobody who waits in accept.
            listening.shutdown(socket.SHUT_RDWR)


def carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
