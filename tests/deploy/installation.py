"""Where the Dockerfile is carried out, by one process at a time, so that it installs once."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from dev.local_stack.cluster_folders import is_open, make_place
from dev.local_stack.environment import PROJECT
from tests.deploy.image import Image, build

NOBODY = 65534

# Of this project, or of another folder with it.
Build = Callable[..., Image]


class NoPythonError(Exception):
    """No Python of this machine is one that the image's user can run."""


@contextlib.contextmanager
def installation(name: str = "production") -> Iterator[Build]:
    """Gives what makes the image `name`, as often as wanted, while nobody else does.

    Raises NoPythonError.
    """
    python = find_python()
    if python is None:
        raise NoPythonError("no Python 3.11 to 3.13 with venv is one that every user may run")
    folder = PROJECT / ".pytest_cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    # Its lines, as those of the Dockerfile, take no path with a space.
    if os.geteuid() == 0 and (" " in str(folder) or not is_open(folder)):
        folder = make_place(folder)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield partial(build, folder, python)


def find_python() -> str | None:
    """One that the unprivileged user can run too: what root has installed for itself is not."""
    others = (f"python3{minor}" for minor in ("", ".13", ".12", ".11"))
    found = [sys._base_executable, *filter(None, map(shutil.which, others))]
    asked = "import ensurepip, ssl, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    for python in [*found, "/usr/bin/python3"]:
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [python, "-c", asked],
                cwd="/",
                env={},
                stderr=subprocess.DEVNULL,
                check=False,
                user=NOBODY if os.geteuid() == 0 else None,
            )
            if done.returncode == 0:
                return python
    return None
