"""The services of compose.yaml that run the image: commands, variables and health checks."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_secrets
from dev.local_stack.ports import free_port
from kynaplatform.__main__ import TO_MONITOR_PORT
from tests.deploy.image import Image
from tests.deploy.proxy import upstreams_of

# Those that a proxy stands before.
SERVERS = ("api-1", "api-2", "pages-1", "pages-2", "realtime-1", "realtime-2")
PORT_SETTINGS = {
    "api": "PORT",
    "pages": "PAGES_PORT",
    "realtime": "REALTIME_PORT",
    "worker": "WORKER_METRICS_PORT",
    "webhooks": "WORKER_METRICS_PORT",
}
PASSWORDS = {"POSTGRES_PASSWORD": "postgres", "REDIS_PASSWORD": "redis"}


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


def services_here(
    image: Image,
    own: Mapping[str, str],
    folder: Path,
    *,
    proxy_port: int,
    ports: Mapping[str, int],
    secrets: Mapping[str, str] | None = None,
) -> dict[str, Service]:
    """Those that compose builds, behind a proxy of this machine, on `ports` by their names.

    `own` are the addresses of what they use. Their logs are in `folder`.
    """
    given = {**(secrets or make_secrets()), **PASSWORDS}
    given["ALLOWED_HOSTS"] = "localhost"
    given["PUBLIC_STREAM_URL"] = f"wss://localhost:{proxy_port}/api/detection/stream"
    services = services_of(image, given, {"TRUSTED_PROXIES": "127.0.0.1", **own}, folder)
    for name, port in ports.items():
        services[name].variables[PORT_SETTINGS[name.partition("-")[0]]] = str(port)
    return services


def services_of(
    image: Image, given: Mapping[str, str], own: Mapping[str, str], folder: Path
) -> dict[str, Service]:
    """Those that compose builds, by name and in its order, with `given` for what it asks for.

    `own` are the addresses of this machine in place of those of compose's network.
    """
    return {
        name: Service(
            name=name,
            image=image,
            command=filled(found.get("command"), given) or image.command,
            healthcheck=[] if is_disabled(found) else checks(found, given) or image.healthcheck,
            variables=filled(found["environment"], given) | seen(found, own),
            log=folder / f"{name}.log",
        )
        for name, found in composed(image.project).items()
        if "build" in found
    }


def seen(service: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, str]:
    """Of `own`, what a service sees. One that reads no .env has what it names, as it names it."""
    if service["env_file"]:
        return dict(own)
    named = service["environment"]
    return {
        name: value
        for name, value in own.items()
        if name in named and not named[name].startswith("memory:")
    }


def ports_of_servers() -> dict[str, int]:
    """A free port for each of SERVERS; with it, that of its monitors is free."""
    return {name: free_port(also_free=TO_MONITOR_PORT) for name in SERVERS}


def upstreams_here(ports: Mapping[str, int]) -> dict[str, Sequence[int]]:
    """nginx's, of the servers on these ports."""

    def of(kind: str) -> list[int]:
        return [port for name, port in ports.items() if name.startswith(kind)]

    monitors = [port + TO_MONITOR_PORT for port in of("api")]
    return upstreams_of(of("api"), of("realtime"), of("pages"), monitors)


def redis_command() -> list[str]:
    command: list[str] = filled(composed()["redis"]["command"], PASSWORDS)
    return command


def composed(project: Path = PROJECT) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((project / "compose.yaml").read_text())["services"]
    return services


def is_ready(port: int) -> bool:
    """Whether the server on `port` says that all is well with it."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            states = json.load(answer)
    except OSError:
        return False
    states.pop("engine", None)  # which of its builds a runtime has
    return set(states.values()) == {"ok"}


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
