"""The PostgreSQL server of a cluster's folder, found by its `postmaster.pid` and its socket."""

import hashlib
import os
import re
import socket
from pathlib import Path

# sun_path holds 108 bytes; the server appends `/.s.PGSQL.5432`.
MAX_SOCKET_FOLDER_BYTES = 90


def socket_folder(cluster: Path) -> Path:
    """The folder of the server's socket: the cluster itself, if its path is short and plain."""
    path = str(cluster)
    if len(os.fsencode(path)) <= MAX_SOCKET_FOLDER_BYTES and re.fullmatch(
        r"[A-Za-z0-9/._-]+", path
    ):
        return cluster
    # Not tempfile's folder: every process must find the same one, whatever its TMPDIR.
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:20]
    return Path("/tmp") / f"kynaplatform-{digest}"  # noqa: S108 - made 0700, owner checked


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return []


def accepts_connections(cluster: Path, port: int) -> bool:
    """Whether the cluster's server is ready and answers at its socket."""
    lines = _postmaster_lines(cluster)
    if len(lines) <= 7 or lines[7].strip() != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder(cluster) / f".s.PGSQL.{port}"))
        except OSError:
            return False
    return True


def runs_unlocked(cluster: Path) -> bool:
    """Whether a server that never took our lock runs there.

    The process is known by its working folder, because its pid may be another's by now.
    """
    lines = _postmaster_lines(cluster)
    try:
        working_folder = Path(f"/proc/{int(lines[0])}/cwd").readlink()
    except (OSError, ValueError, IndexError):
        return False
    return working_folder == cluster
