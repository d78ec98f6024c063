"""Private files, which hold secrets: only their owner can read them, and none is half written."""

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    # mkstemp makes the file 0600
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
