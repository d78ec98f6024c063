"""The folders of embedded databases, and the user that each server runs as.

PostgreSQL refuses to run as root. The user that root gives it may not enter root's private folders,
such as /root or `.data`. A database there has its files in its *place*, a folder below /var/lib
that only root can write to. A link in the private folder names the place.
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
    """There is no embedded server; the text says why in one line."""


def server_user(owned: Path) -> tuple[int, int] | None:
    """The user of the server of these files, if we are root: their owner, else `nobody`."""
    if os.geteuid() != 0:
        return None
    if owned.exists() and (found := owned.stat()).st_uid != 0:
        return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def make_private(folder: Path) -> None:
    """Let only its owner enter `folder`, and the server of a cluster that is in it already."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / CLUSTER
    user = server_user(kept)
    is_inside = kept.is_dir() and not kept.is_symlink()
    if is_inside and user is not None and user[0] != folder.stat().st_uid:
        os.chown(folder, -1, user[1])
        folder.chmod(0o710)
    else:
        folder.chmod(0o700)


def cluster_of(folder: Path) -> Path:
    """The cluster of `folder`, made or not. The folder itself has to exist."""
    kept = folder / CLUSTER
    user = server_user(kept)
    if user is not None and (kept.is_symlink() or not is_open(folder, *user)):
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


def is_open(path: Path, uid: int = -1, gid: int = -1) -> bool:
    """Whether this user, or any, can go through every folder down to `path`."""

    def lets_in(found: os.stat_result) -> int:
        if found.st_uid == uid:
            return found.st_mode & stat.S_IXUSR
        return found.st_mode & (stat.S_IXGRP if found.st_gid == gid else stat.S_IXOTH)

    return all(lets_in(folder.stat()) for folder in (path, *path.parents))


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
    identity = f"{installation} {found.st_size} {found.st_mtime_ns}"
    copy = copies / hashlib.sha256(identity.encode()).hexdigest()[:20]
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
