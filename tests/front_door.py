"""The services as production has them: `api` and `pages`, each by itself, behind a real nginx."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.contrib import admin

from dev.local_stack.ports import free_port
from tests.deploy.proxy import proxy
from tests.server import service

STATIC = Path(admin.__file__).parent / "static"


@dataclass(frozen=True)
class FrontDoor:
    """`url` is nginx's, without TLS; each service has a port, and one for monitors."""

    folder: Path
    url: str
    api: tuple[int, int]
    pages: tuple[int, int]

    @property
    def address(self) -> tuple[str, int]:
        """nginx's."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    @property
    def static(self) -> Path:
        """Where nginx finds static files."""
        return self.folder / "static"

    def log(self) -> str:
        """What both services have written."""
        return "".join((self.folder / f"{name}.log").read_text() for name in ("api", "pages"))


@contextlib.contextmanager
def front_door(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[FrontDoor]:
    """Run it, with the admin's static files alone."""
    port = free_port()
    shutil.copytree(STATIC, folder / "static")
    variables = {"TRUSTED_PROXIES": "127.0.0.1", **(environment or {})}
    with (
        service("api", folder, variables) as api,
        service("pages", folder, variables) as pages,
        proxy(
            folder,
            api_ports=[api[0]],
            pages_ports=[pages[0]],
            monitor_ports=[api[1]],
            realtime_ports=[free_port()],
            instead={
                "server_name _;": f"listen 127.0.0.1:{port}; server_name _;",
                "/opt/kynaplatform/staticfiles": str(folder / "static"),
            },
        ),
    ):
        yield FrontDoor(folder, f"http://127.0.0.1:{port}", api, pages)
