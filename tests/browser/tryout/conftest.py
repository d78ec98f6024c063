"""A runtime that may be killed, and the page at /try."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import BEHIND_A_PROXY
from tests.browser.trying import Runtime
from tests.module_servers import WebServer
from tests.node import built_clients


@pytest.fixture(scope="module")
def module_runtime(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path_factory.mktemp("runtime"))
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.fixture(scope="module")
def web_environment(module_runtime: Runtime) -> dict[str, str]:
    """With the page built, and streams of the runtime."""
    built_clients()
    return BEHIND_A_PROXY | {
        "PUBLIC_STREAM_URL": module_runtime.url,
        "TRY_SESSIONS": "1000000/10minutes",
    }


@pytest.fixture
def runtime(module_runtime: Runtime, transactional_db: None) -> Iterator[Runtime]:
    yield module_runtime
    if module_runtime.server is None:
        module_runtime.start()
    else:
        module_runtime.server.await_no_sockets()


@pytest.fixture
def site(
    browser: Browser, signing_key: None, runtime: Runtime, web: WebServer, catalogue: None
) -> str:
    return web.base_url


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """The page, which plays recordings eight times as fast."""
    page = visit(viewport={"width": 1280, "height": 900})
    page.goto("/try?speed=8")
    return page
