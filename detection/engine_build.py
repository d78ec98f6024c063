"""The build of the engine that runs: compiled by mypyc, or its Python source.

`make compiled` puts a compiled engine below FOLDER, into a folder that is named by the hash of what
it is made of. So there is none of a source that has changed since, nor for another Python, and the
source runs.
"""

import hashlib
import os
import sysconfig
from collections.abc import MutableSequence
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, NamedTuple

DETECTION: Final = Path(__file__).parent
FOLDER: Final = DETECTION / "built"
# What COMPILED_ENGINE says in place of a folder.
NONE: Final = "none"
# The module with the code of all that are compiled.
COMPILED_CODE: Final = "detection.engine.all__mypyc"


class EngineBuild(NamedTuple):
    """What runs, and why it is not the compiled one."""

    name: Literal["compiled", "python"]
    reason: str = ""


def build_below(folder: Path) -> Path:
    """Where a compiled engine is of this source, for this Python."""
    made_of = hashlib.sha256(str(sysconfig.get_config_var("EXT_SUFFIX")).encode())
    for path in sorted([*DETECTION.glob("*.py"), *DETECTION.glob("engine/*.py")]):
        source = path.read_bytes()
        made_of.update(f"\n{path.name} {len(source)}\n".encode() + source)
    return folder / made_of.hexdigest()[:16]


def choose_build(path: MutableSequence[str]) -> EngineBuild:
    """Put a compiled engine before the source on the `path` of its package, where there is one.

    COMPILED_ENGINE names the folder that it is looked for in, or `none`.
    """
    named = os.environ.get("COMPILED_ENGINE", "").strip()
    if named == NONE:
        return EngineBuild("python", "COMPILED_ENGINE says so")
    folder = Path(named or FOLDER)
    build = build_below(folder)
    if not os.path.isdir(build):
        return EngineBuild("python", f"{folder} has none compiled of this source for this Python")
    path.insert(0, str(build))
    try:
        import_module(COMPILED_CODE)
    except ImportError as error:
        path.remove(str(build))
        return EngineBuild("python", f"the compiled one can't be loaded: {error}")
    return EngineBuild("compiled")
