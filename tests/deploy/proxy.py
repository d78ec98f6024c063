"""A real nginx on the files of deploy/, before servers of the test."""

import contextlib
import datetime
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port, listens
from tests.plugin import skip_without
from tests.waiting import DEADLINE_SECONDS, comes_true

DEPLOY = PROJECT / "deploy"
NAME = "kyna.example.com"
# Written where nginx was told when it was built, which is not for the tests.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextlib.contextmanager
def proxy(
    folder: Path,
    *,
    api_ports: Sequence[int],
    realtime_ports: Sequence[int],
    pages_ports: Sequence[int] | None = None,
    monitor_ports: Sequence[int] | None = None,
    instead: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Gives the port where it ends TLS for `NAME`, with a certificate that signs itself.

    Without ports of their own, pages and monitors are asked of the API's. `instead` is what the
    site says in the test in place of what it says.
    """
    if find_nginx() is None:
        skip_without("nginx is not installed")
    port = free_port()
    upstreams = upstreams_of(api_ports, realtime_ports, pages_ports, monitor_ports)
    write_site(folder, port, upstreams, instead)
    # One process, so that its user can enter the folder.
    process = start_nginx(folder, "master_process off;")
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "nginx.log").read_text())
            time.sleep(0.02)
        yield port
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 5)])


def find_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def upstreams_of(
    api_ports: Sequence[int],
    realtime_ports: Sequence[int],
    pages_ports: Sequence[int] | None = None,
    monitor_ports: Sequence[int] | None = None,
) -> dict[str, Sequence[int]]:
    """The ports of each of nginx's upstreams."""
    pages = api_ports if pages_ports is None else pages_ports
    monitors = api_ports if monitor_ports is None else monitor_ports
    of_pages = ("kyna_pages", "kyna_public", "kyna_logins", "kyna_downloads")
    return {
        "kyna_api": api_ports,
        "kyna_monitors": monitors,
        **dict.fromkeys(of_pages, pages),
        "kyna_realtime": realtime_ports,
    }


def write_site(
    folder: Path,
    port: int,
    upstreams: Mapping[str, Sequence[int]],
    instead: Mapping[str, str] | None = None,
) -> None:
    """All that an nginx of the files of deploy/ reads, in `folder`."""
    write_certificate(folder)
    write_configuration(folder, port, upstreams, instead or {})


def start_nginx(folder: Path, directives: str = "") -> "subprocess.Popen[bytes]":
    """One of the site in `folder`, with more `directives`; its log is `folder/nginx.log`."""
    log = folder / "nginx.log"
    with log.open("ab") as output:
        return processes.start(
            [
                *(find_nginx() or "nginx", "-e", log, "-p", folder),
                *("-c", folder / "nginx-main.conf", "-g", f"daemon off; {directives}"),
            ],
            env={},
            stdout=output,
        )


def write_configuration(
    folder: Path,
    port: int,
    upstreams: Mapping[str, Sequence[int]],
    instead: Mapping[str, str],
) -> None:
    """The files of deploy/ with the paths, the port and the servers of the test."""
    places = {"/etc/nginx/kyna/": folder, "/etc/nginx/tls/": folder, "/var/log/nginx/": folder}
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    for name, own in {
        "nginx-main.conf": {"http {": f"http {{ {temporary}", "/run/nginx.pid": f"{folder}/pid"},
        "nginx.conf": {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", **instead},
        "upstreams-local.conf": {},
    }.items():
        text = (DEPLOY / name).read_text()
        for written, replacement in own.items():
            assert written in text, written
            text = text.replace(written, replacement)
        for written, place in places.items():
            text = text.replace(written, f"{place}/")
        (folder / name).write_text(text)
    (folder / "upstreams.conf").write_text(
        with_servers((folder / "upstreams-local.conf").read_text(), upstreams)
    )


def with_servers(configuration: str, upstreams: Mapping[str, Sequence[int]]) -> str:
    """The upstreams of a file with these ports in place of its servers, which are all alike."""

    def of_the_test(block: re.Match[str]) -> str:
        [options] = set(re.findall(r"server \S+ (.*);", block[0]))
        lines = re.sub(r"\n *server .*;", "", block[0])
        servers = (f"    server 127.0.0.1:{port} {options};\n" for port in upstreams[block[1]])
        return f"{lines.removesuffix('}')}{''.join(servers)}}}"

    written, replaced = re.subn(r"upstream (\w+) \{[^}]*\}", of_the_test, configuration)
    assert replaced == len(upstreams)
    return written


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "kyna.crt"))


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    names = [x509.DNSName(NAME), x509.DNSName("localhost")]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "kyna.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "kyna.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def open_to(folder: Path, port: int) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
    return trusting(folder).wrap_socket(raw, server_hostname=NAME)


def proxy_of(folder: Path, *api: socket.socket) -> contextlib.AbstractContextManager[int]:
    """One before these and a runtime that is away."""
    ports = [listening.getsockname()[1] for listening in api] or [free_port()]
    return proxy(folder, api_ports=ports, realtime_ports=[free_port()])


def request(
    method: str, path: str, body: bytes = b"", length: int | None = None, headers: str = ""
) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\nConnection: close\r\n"
        f"{headers}\r\n"
    ).encode() + body


def answer(folder: Path, port: int, sent: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body."""
    with open_to(folder, port) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


def logged(folder: Path) -> str:
    return "".join((folder / name).read_text() for name in ("access.log", "error.log", "nginx.log"))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """What the access log tells, as soon as it tells anything: it is written after the answer."""
    assert comes_true(lambda: (folder / "access.log").read_text().endswith("\n"))
    return [json.loads(line) for line in (folder / "access.log").read_text().splitlines()]
