"""The folders of embedded databases, and the user that each server runs as.

PostgreSQL refuses to run as root. The user that root gives it may not enter root's private folders,
such as /root. A database there has its files in its *place*, a folder below /var/lib that only root
can write to. A link in the private folder names the place.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

PLACES = Path("/var/lib/kynaplatform-local")
CLUSTER = "postgres"


class PostgresUnavailableError(Exception):
    """The embedded server cannot be had; the text says why in one line."""


def server_user(owned: Path) -> tuple[int, int] | None:
    """The user of the server of these files, if we are root: their owner, else `nobody`."""
    if os.geteuid() != 0:
        return None
    found = owned.stat()
    if found.st_uid != 0:
        return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def cluster_of(folder: Path) -> Path:
    """The cluster of `folder`, made or not. The folder itself has to exist."""
    kept = folder / CLUSTER
    if os.geteuid() == 0 and (kept.is_symlink() or not is_open(folder)):
        return place_of(folder) / CLUSTER
    return kept


def place_of(folder: Path) -> Path:
    return PLACES / hashlib.sha256(os.fsencode(folder)).hexdigest()[:20]


def make_place(folder: Path) -> Path:
    """Make the place of `folder`. Raises PermissionError when it is not root's."""
    place = place_of(folder)
    for made in (PLACES, place):
        made.mkdir(exist_ok=True)
        found = made.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
            raise PermissionError(f"{made} is not a folder of root: remove it.")
        made.chmod(0o755)
    return place


def is_open(path: Path) -> bool:
    """Whether any user can go through every folder down to `path`."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def open_binaries(binaries: Path, folder: Path) -> Path:
    """A folder of these programs that the server's user can enter: `binaries`, or a copy."""
    # An environment may be a link into a private folder.
    binaries = binaries.resolve()
    if os.geteuid() != 0 or is_open(binaries):
        return binaries
    installation = binaries.parent
    copies = make_place(folder) / "binaries"
    copies.mkdir(exist_ok=True)
    copies.chmod(0o755)
    # Each version, and each installation of it, has its own copy.
    found = (binaries / "postgres").stat()
    told = f"{installation} {found.st_size} {found.st_mtime_ns}"
    copy = copies / hashlib.sha256(told.encode()).hexdigest()[:20]
    if not copy.exists():
        for older in copies.iterdir():
            shutil.rmtree(older)
        unfinished = Path(tempfile.mkdtemp(dir=copies))
        # Beside it are the libraries that the wheel brings.
        package = installation.parent
        for part in ("bin", "lib", "share"):
            inside = Path(package.name, installation.name, part)
            shutil.copytree(installation / part, unfinished / inside)
        libraries = f"{package.name}.libs"
        shutil.copytree(package.with_name(libraries), unfinished / libraries)
        for made in (unfinished, *unfinished.rglob("*")):
            made.chmod(0o755)
        unfinished.rename(copy)
    return copy.joinpath(*binaries.parts[-3:])
