"""Compile the detection engine with mypyc, for this Python, into detection/built.

If something it needs is missing, it says what and exits with 1; the source then runs.
"""

import argparse
import contextlib
import importlib.util
import io
import os
import shlex
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from detection.engine_build import COMPILED_CODE, DETECTION, FOLDER, build_below

# None of the project's own, whose plugins and stubs an image has not.
MYPY_OPTIONS = ("--config-file=", "--cache-dir=/dev/null", "--follow-imports=silent")
# These run as Python: a compiled one has no text, and can't be handed to another process.
LEFT_OUT = {"__init__.py", "settings.py"}
# A processor that multiplies and adds in one step rounds once, and Python rounds twice. Another
# compiler has warnings that mypyc does not know.
FLAGS = ["-ffp-contract=off", "-Wno-error"]


class CompilationFailed(Exception):
    """mypyc or the C compiler has found a fault; the text says which."""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def what_is_missing() -> str | None:
    compiler, *_ = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler) is None:
        return f"A C compiler is needed, and there is no {compiler}: apt-get install gcc"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's headers are needed: apt-get install python3-dev"
    if not all(map(importlib.util.find_spec, ("mypyc", "setuptools"))):
        return "mypy and setuptools are needed: pip install -r requirements-mypyc.txt"
    return None


def compile_below(folder: Path) -> Path:
    """Compile the engine into a folder below `folder`, and remove what is of other source."""
    build = build_below(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        compiled = compile_sources(Path(temporary))
        for other in folder.iterdir():
            if other != Path(temporary):
                other.rename(Path(temporary, other.name))
        compiled.rename(build)
    return build


def compile_sources(temporary: Path) -> Path:
    """The folder below `temporary` with the compiled modules; raises CompilationFailed."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext
    from setuptools.errors import CCompilerError

    sources = [
        str(path.relative_to(DETECTION.parent))
        for path in sorted(DETECTION.glob("engine/*.py"))
        if path.name not in LEFT_OUT
    ]
    log = io.StringIO()
    try:
        # It also prints hints on faster code.
        with contextlib.redirect_stdout(log):
            extensions = mypycify(
                [*MYPY_OPTIONS, *sources],
                debug_level="0",
                group_name=COMPILED_CODE.removesuffix("__mypyc"),
                target_dir=str(temporary / "c"),
            )
        for extension in extensions:
            extension.extra_compile_args += FLAGS
        command = build_ext(Distribution({"ext_modules": extensions}))
        command.build_lib, command.build_temp = f"{temporary}/made", f"{temporary}/objects"
        command.ensure_finalized()
        command.run()
    except SystemExit as error:
        raise CompilationFailed(log.getvalue()) from error
    except CCompilerError as error:
        raise CompilationFailed(str(error)) from error
    return temporary.joinpath("made", *COMPILED_CODE.split(".")[:-1])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.tools.compile_engine", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="(default: %(default)s)")
    folder: Path = parser.parse_args().folder.absolute()
    missing = what_is_missing()
    if missing is not None:
        say(f"The engine is not compiled. {missing}")
        return 1
    # Tracebacks name the source as it is seen from here, and whoever serves may read what is made.
    os.chdir(DETECTION.parent)
    os.umask(0o022)
    say("Compiling the engine, which takes half a minute …")
    try:
        build = compile_below(folder)
    except CompilationFailed as failed:
        say(f"{failed}\nThe engine is not compiled: see above.")
        return 1
    say(f"The engine is compiled: {build}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
