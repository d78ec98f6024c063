"""A database of a test's own on the tests' server, for processes of other users."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings

from kynaplatform.database.session_settings import KINDS


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """Gives its address, which is one of TCP: others may not enter the folder of a socket.

    It belongs to a role of its own, of the same name, which may make databases and roles.
    """
    server = urlsplit(settings.DATABASE_URL)
    name, password = f"production_{secrets.token_hex(6)}", secrets.token_hex(16)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'")
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            with contextlib.ExitStack() as stack:
                where = server.netloc.rpartition("@")[2]
                if server.hostname is None:
                    [folder] = parse_qs(server.query)["host"]
                    port = stack.enter_context(forwarding(f"{folder}/.s.PGSQL.{server.port}"))
                    where = f"127.0.0.1:{port}"
                yield f"postgresql://{name}:{password}@{where}/{name}"
        finally:
            owned = "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = %s"
            for (database,) in admin.execute(owned, [name]).fetchall():
                admin.execute(f"DROP DATABASE {database} WITH (FORCE)")
            for role in [*(f"{name}_{kind}" for kind in KINDS), name]:
                admin.execute(f"DROP ROLE IF EXISTS {role}")


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
