"""A real nginx on deploy/nginx.conf, before servers of the test."""

import contextlib
import datetime
import re
import shutil
import signal
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local_stack import processes
from local_stack.environment import PROJECT
from local_stack.ports import free_port, listens
from local_stack.pytest_plugin import skip_without

SITE = PROJECT / "deploy" / "nginx.conf"
NAME = "kyna.example.com"
# What a whole configuration has around a site, of its own folder and user.
AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {site};
}}
"""


@contextlib.contextmanager
def proxy(folder: Path, *, api_port: int, realtime_port: int) -> Iterator[int]:
    """Gives the port where it ends TLS for `NAME`, with a certificate that signs itself."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        skip_without("nginx is not installed")
        return
    port = free_port()
    write_certificate(folder)
    yours = {
        r"127\.0\.0\.1:8000": f"127.0.0.1:{api_port}",
        r"127\.0\.0\.1:8001": f"127.0.0.1:{realtime_port}",
        r"listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        r"/etc/nginx/tls/": f"{folder}/",
    }
    site = SITE.read_text()
    for pattern, replacement in yours.items():
        site, replaced = re.subn(pattern, replacement, site)
        assert replaced, pattern
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, site=folder / "site.conf"))
    log = folder / "nginx.log"
    process = processes.start(
        [program, "-e", str(log), "-p", str(folder), "-c", str(folder / "nginx.conf")],
        env={},
        stdout=log.open("ab"),
    )
    try:
        deadline = time.monotonic() + 10
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(log.read_text())
            time.sleep(0.02)
        yield port
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 5)])


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "kyna.crt"))


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
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
