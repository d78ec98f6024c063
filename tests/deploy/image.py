"""The Dockerfile carried out without Docker: each line as it stands, below a folder.

What the image has at /app is at FOLDER/app, and so on. As Docker does, it keeps what it installed
while the lines and files that it came from are the same.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from tests.node import node

# What pip and npm go by on this machine.
OF_PACKAGES = re.compile(
    r"PIP_\w+|npm_config_\w+|NPM_CONFIG_\w+|\w+_proxy|\w+_PROXY|SSL_CERT_FILE|REQUESTS_CA_BUNDLE"
    r"|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
)
OF_NPM = {
    "npm_config_userconfig": str(Path.home() / ".npmrc"),
    "npm_config_cache": str(Path.home() / ".npm"),
}
DEPENDENCIES = re.compile(r"requirements(-\w+)?\.txt")
# What they are installed into.
INSTALLED = ("venv", "mypyc")


@dataclass(frozen=True)
class Line:
    number: int
    word: str
    rest: str

    def fail(self, why: str) -> None:
        pytest.fail(f"Dockerfile:{self.number}: {self.word} {self.rest}\n{why}", pytrace=False)


def lines_of(text: str) -> Iterator[Line]:
    """Instructions with the number of their first line, without comments and continuations."""
    begun: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        first = first if begun else number
        begun.append(line.strip().removesuffix("\\").strip())
        if not line.endswith("\\"):
            word, _, rest = " ".join(begun).partition(" ")
            yield Line(first, word, rest.strip())
            begun = []


@dataclass
class Image:
    """What the lines have made so far; at last, what the Dockerfile makes."""

    project: Path
    folder: Path
    base: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: int | None = None
    users: dict[str, int] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def placed(self, text: str) -> str:
        """The text with the image's own paths as they are here."""
        return re.sub(r"(?<![\w./:-])/(app|venv|mypyc|tmp)(?![\w.-])", rf"{self.folder}/\1", text)

    def environment(self) -> dict[str, str]:
        return self.base | {name: self.placed(value) for name, value in self.variables.items()}

    def path(self, written: str) -> Path:
        place = Path(self.placed(os.path.join(self.workdir, written)))
        assert place.is_relative_to(self.folder), f"{written} is not of /app, /venv, /mypyc or /tmp"
        return place


def build(folder: Path, python: str, project: Path = PROJECT) -> Image:
    """Carry out the Dockerfile with `python`; the test fails with the line that can't be."""
    lines = list(lines_of((project / "Dockerfile").read_text()))
    installed = installation_of(lines)
    key = hashlib.sha256(f"{python} {folder} {installed}".encode())
    for line in installed:
        if line.word == "COPY":
            for source in shlex.split(line.rest)[:-1]:
                key.update((project / source).read_bytes())
    is_kept = _prepare(folder, key.hexdigest())
    stages: dict[str, Path] = {}
    image = Image(project, folder / "root", _base(folder, python))
    for line in lines:
        if line.word == "FROM":
            _begin(image, line, stages, folder)
        elif line in installed and line.word == "RUN":
            if not is_kept:
                _run(image, line)
        else:
            _carry_out(image, line, stages)
        if line == installed[-1]:
            (folder / "installed").write_text(key.hexdigest())
    return image


def installation_of(lines: list[Line]) -> list[Line]:
    """Those of Python, before the first that copies anything of ours."""
    first = next(n for n, line in enumerate(lines) if line.rest.startswith("python:"))
    of_python = lines[first:]
    own = (
        n
        for n, line in enumerate(of_python)
        if line.word == "COPY" and not all(map(DEPENDENCIES.fullmatch, line.rest.split()[:-1]))
    )
    return of_python[: next(own)]


def _base(folder: Path, python: str) -> dict[str, str]:
    """What the images that it begins from have: `python`; `node` and `npm`."""
    programs = folder / "base"
    programs.mkdir(exist_ok=True)
    programs.chmod(0o755)
    for name, program in (("python", python), ("node", node()), ("npm", shutil.which("npm"))):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n')
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}


def _prepare(folder: Path, key: str) -> bool:
    """Clear what is left of an earlier run; whether what it installed may be kept."""
    root, marker = folder / "root", folder / "installed"
    is_kept = marker.exists() and marker.read_text() == key and (root / "venv").is_dir()
    marker.unlink(missing_ok=True)
    # The last stage has copied the one, and left the other where it was.
    if (left := folder / "before" / "mypyc").is_dir() and is_kept:
        left.rename(root / "mypyc")
    for stage in ("before", "web"):
        shutil.rmtree(folder / stage, ignore_errors=True)
    for found in root.iterdir() if root.exists() else ():
        if not (is_kept and found.name in INSTALLED):
            shutil.rmtree(found)
    return is_kept


def _begin(image: Image, line: Line, stages: dict[str, Path], folder: Path) -> None:
    """The next stage has nothing of those before but what it copies from them."""
    found = re.fullmatch(r"(?:(python):3\.\d+(?:-slim)?|node:20-slim)(?: AS (\w+))?", line.rest)
    if found is None:
        return line.fail("The test knows no other image.")
    # What Python has installed knows its own path.
    image.folder = folder / ("root" if found[1] else "web")
    for name, place in stages.items():
        if place == image.folder:
            stages[name] = place.rename(folder / "before")
    image.folder.mkdir(exist_ok=True)
    for made, mode in ((image.folder, 0o755), (image.folder / "tmp", 0o1777)):
        made.mkdir(exist_ok=True)
        made.chmod(mode)
    stages[found[2] or ""] = image.folder
    image.variables, image.workdir, image.user = {}, "/", None
    return None


def _carry_out(image: Image, line: Line, stages: dict[str, Path]) -> None:
    match line.word:
        case "WORKDIR":
            image.workdir = line.rest
            image.path("").mkdir(parents=True, exist_ok=True)
        case "ENV" | "ARG":  # as if nobody gave the argument another value
            for name, value in (word.split("=", 1) for word in shlex.split(line.rest)):
                known = image.base | image.variables
                image.variables[name] = string.Template(value).substitute(known)
        case "COPY":
            _copy(image, line, stages)
        case "RUN":
            if (added := re.fullmatch(r"useradd .*--uid (\d+) .*?(\w+)", line.rest)) is not None:
                image.users[added[2]] = int(added[1])
            else:
                _run(image, line)
        case "USER":
            image.user = image.users[line.rest]
        case "CMD":
            image.command = json.loads(line.rest)
        case "HEALTHCHECK":
            image.healthcheck = json.loads(line.rest.partition(" CMD ")[2])
        case "EXPOSE":
            pass
        case _:
            line.fail("The test does not know this instruction.")


def _copy(image: Image, line: Line, stages: dict[str, Path]) -> None:
    *sources, target = shlex.split(line.rest)
    to = image.path(target)
    # A target that ends so is a folder.
    (to if target.endswith("/") else to.parent).mkdir(parents=True, exist_ok=True)
    if sources[0].startswith("--from="):
        stage, source = sources
        # Nothing else is taken from there: it may go.
        _move(stages[stage.removeprefix("--from=")] / source.removeprefix("/"), to)
        return
    for source in sources:
        found = image.project / source
        if found.is_dir():
            ignored = shutil.ignore_patterns(*_ignored(image.project))
            shutil.copytree(found, to, ignore=ignored, dirs_exist_ok=True)
        elif found.is_file():
            shutil.copy(found, to)
        else:
            line.fail("There is no such file.")


def _move(source: Path, to: Path) -> None:
    """Move a file or a folder, into the folder that is there and over the files in it."""
    if source.is_dir() and to.is_dir():
        for each in source.iterdir():
            _move(each, to / each.name)
    else:
        source.replace(to)


def _ignored(project: Path) -> list[str]:
    """The names that .dockerignore leaves out wherever they are."""
    return re.findall(r"^\*\*/(\w+)$", (project / ".dockerignore").read_text(), re.MULTILINE)


def _run(image: Image, line: Line) -> None:
    of_machine = {name: value for name, value in os.environ.items() if OF_PACKAGES.fullmatch(name)}
    done = subprocess.run(
        ["sh", "-ec", image.placed(line.rest)],
        cwd=image.path(""),
        env=OF_NPM | of_machine | image.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        line.fail(done.stdout)
