"""Chromium with a camera that shows a photograph, and a host with the policy of a page at /try."""

import contextlib
import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from matplotlib import get_data_path
from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.chromium import WITH_SCREEN
from tests.node import built_clients
from tests.plugin import installed

PAGES = Path(__file__).parent / "pages"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'"
)
SOFTWARE_WEBGL = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
ALLOWED = "--use-fake-ui-for-media-stream"

Launch = Callable[..., AbstractContextManager[Browser]]


class Host(ThreadingHTTPServer):
    """Serves the pages and the landmarker's files; `told` has what pages tell it.

    `asked` has the names of the landmarker's files that were asked for. The next request for one of
    `stalled` gets no answer until `going_on` is set.
    """

    daemon_threads = True

    def __init__(self, folder: Path, landmarker: Path) -> None:
        self.landmarker = landmarker
        self.policy = POLICY
        self.missing: set[str] = set()
        self.asked: list[str] = []
        self.stalled: set[str] = set()
        self.going_on = threading.Event()
        self.told: queue.Queue[Any] = queue.Queue()
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))

    def url(self, page: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}/{page}"


class _Handler(SimpleHTTPRequestHandler):
    server: Host

    def _file(self, path: str) -> str | None:
        """The name of a file of the landmarker, for its path."""
        folder, _, name = path.partition("?")[0].removeprefix("/").partition("/")
        return name if folder == "pose" else None

    def translate_path(self, path: str) -> str:
        name = self._file(path)
        if name is None:
            return super().translate_path(path)
        return str(self.server.landmarker / ("missing" if name in self.server.missing else name))

    def do_GET(self) -> None:
        name = self._file(self.path)
        if name is not None:
            self.server.asked.append(name)
            if name in self.server.stalled:
                self.server.stalled.remove(name)
                self.server.going_on.wait()
        with contextlib.suppress(ConnectionError):  # of a page that is closed meanwhile
            super().do_GET()

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.put(json.loads(told))
        self.send_response(204)
        self.end_headers()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.server.policy)
        # No browser's cache hides that a file is asked for twice.
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    clients = built_clients()
    folder = tmp_path_factory.mktemp("pages")
    for page in PAGES.glob("*.html"):
        (folder / page.name).write_text(page.read_text())
    command = [clients / "node_modules/.bin/esbuild", *PAGES.glob("*.js")]
    subprocess.run(
        [*command, "--bundle", "--format=esm", f"--outdir={folder}", "--log-level=warning"],
        env={**os.environ, "NODE_PATH": str(clients / "node_modules")},
        check=True,
    )
    with Host(folder, clients / "node_modules/@mediapipe/pose") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.going_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 640 by 480 pixels: the photograph of a woman who sits, in its left two thirds."""
    photograph = Image.open(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg")
    picture = Image.new("RGB", (640, 480), "gray")
    picture.paste(photograph.resize((410, 480)), (0, 0))
    folder = tmp_path_factory.mktemp("film")
    picture.save(folder / "picture.jpg", quality=90)
    film = folder / "film.mjpeg"
    film.write_bytes((folder / "picture.jpg").read_bytes() * 10)
    return film


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # Its own driver needs libraries that come with a browser.
    installed(*WITH_SCREEN)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # While it runs, its event loop counts as running in this thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="module")
def launch(playwright: Playwright) -> Launch:
    """Runs a Chromium of its own with these options."""

    @contextmanager
    def launch(*options: str) -> Iterator[Browser]:
        arguments = ["--no-sandbox", "--disable-background-networking", *options]
        program = installed(*WITH_SCREEN)
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()

    return launch


@pytest.fixture(scope="module")
def shows_film(film: Path) -> list[str]:
    """The options of a Chromium whose only camera shows the film."""
    return [
        *SOFTWARE_WEBGL,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]


@pytest.fixture(scope="module")
def browser(launch: Launch, shows_film: list[str]) -> Iterator[Browser]:
    """A Chromium whose camera shows the film, to whom permission gives it."""
    with launch(*shows_film) as chromium:
        yield chromium
