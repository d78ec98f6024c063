"""The services of compose.yaml that run the image: commands, variables and health checks."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack import processes
from local_stack.environment import PROJECT
from tests.deploy.image import Image


@dataclass
class Service:
    """One of them; its process is not the container's, but all else is."""

    name: str
    image: Image
    command: list[str]
    healthcheck: list[str]
    variables: dict[str, str]
    log: Path

    @property
    def tmp(self) -> Path:
        """Its /tmp: each container has one of its own."""
        return self.image.folder / "tmp" / self.name

    def placed(self, text: str) -> str:
        return self.image.placed(text).replace(f"{self.tmp.parent}/", f"{self.tmp}/")

    def environment(self) -> dict[str, str]:
        variables = self.image.variables | self.variables
        return self.image.base | {name: self.placed(value) for name, value in variables.items()}

    def start(self, command: list[str] | None = None, **more: str) -> "subprocess.Popen[bytes]":
        """Its own command, or another that is run as it is."""
        user = self.image.user
        self.tmp.mkdir(exist_ok=True)
        self.tmp.chmod(0o1777)
        with self.log.open("ab") as log:
            return processes.start(
                command or [self.placed(word) for word in self.command],
                env=self.environment() | more,
                cwd=self.image.path(""),
                stdout=log if command is None else subprocess.PIPE,
                user=None if user is None else (user, user),
            )

    def run(self, *command: str, **more: str) -> str:
        """What another command prints that is run as it is."""
        process = self.start(list(command), **more)
        said = process.communicate()[0].decode()
        assert process.returncode == 0, said
        return said

    def is_healthy(self) -> bool:
        process = self.start(self.healthcheck)
        process.communicate()
        return process.returncode == 0


def services_of(
    image: Image, given: Mapping[str, str], own: Mapping[str, str], folder: Path
) -> dict[str, Service]:
    """Those that compose builds, by name and in its order, with `given` for what it asks for.

    `own` are the addresses of this machine in place of those of compose's network.
    """
    composition = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return {
        name: Service(
            name=name,
            image=image,
            command=filled(found.get("command"), given) or image.command,
            healthcheck=[] if is_disabled(found) else checks(found, given) or image.healthcheck,
            variables=filled(found["environment"], given) | own,
            log=folder / f"{name}.log",
        )
        for name, found in composition["services"].items()
        if "build" in found
    }


def is_disabled(service: Mapping[str, Any]) -> bool:
    return bool(service.get("healthcheck", {}).get("disable"))


def checks(service: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    words: list[str] = filled(service.get("healthcheck", {}).get("test", []), given)
    assert words[:1] in ([], ["CMD"])
    return words[1:]


def filled(found: Any, given: Mapping[str, str]) -> Any:
    """With what compose puts in place of `${NAME:?}` and `${NAME:-default}`."""

    def value_of(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in given and default is None:
            pytest.fail(f"compose.yaml wants {name}")
        return given.get(name, default)

    if isinstance(found, dict):
        return {name: filled(value, given) for name, value in found.items()}
    if isinstance(found, list):
        return [filled(value, given) for value in found]
    if isinstance(found, str):
        text = re.sub(r"\$\{(\w+):(?:\?|-([^}]*))\}", value_of, found)
        assert "${" not in text, text
        return text.replace("$$", "$")
    return found
