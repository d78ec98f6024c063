"""Folders that any user may enter: those of pytest are for one user, and as root the database
runs as another."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Read now: a test may take the variable away.
RUN = os.environ["TEST_RUN_FOLDER"]


@contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=RUN))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
