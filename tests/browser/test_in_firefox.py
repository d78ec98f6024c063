"""The main ways through the public pages, in Firefox."""

from collections.abc import Iterator

import pytest

from sessions_app.models import DetectionSession
from tests.browser.firefox import PROGRAMS, Window, firefox
from tests.browser.trying import module_runtime, runtime, web_environment
from tests.documented import block
from tests.module_servers import WebServer
from tests.plugin import installed

__all__ = ["module_runtime", "runtime", "web_environment"]

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/", "/docs/movespec", "/api/docs/session_create", "/try")
WIDTHS = (1280, 400)
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
FONT = "document.fonts.ready.then(() => document.fonts.check('16px Figtree'))"
FOCUSED = "document.activeElement.textContent.trim()"


@pytest.fixture(scope="module")
def module_window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    program = installed(*PROGRAMS)
    with firefox(program, tmp_path_factory.mktemp("firefox")) as window:
        yield window


@pytest.fixture
def window(module_window: Window) -> Iterator[Window]:
    """A window without a fault of its pages, at the end too."""
    module_window.faults.clear()
    yield module_window
    # What it still has to tell comes before the next answer.
    module_window.evaluate("null")
    assert module_window.faults == []


@pytest.fixture
def site(signing_key: None, runtime: None, web: WebServer) -> str:
    return web.base_url


def test_pages_have_their_font_and_fit(window: Window, site: str) -> None:
    for page in PAGES:
        window.goto(f"{site}{page}")
        assert window.evaluate(FONT), page
        for width in WIDTHS:
            window.widen(width)
            assert window.evaluate(FITS), f"{page} scrolls sideways on {width} px"


def test_the_figure_of_the_first_page_is_counted(window: Window, site: str) -> None:
    window.goto(f"{site}/")
    window.expect("document.getElementById('count').textContent === '1'")
    window.expect("document.getElementById('events').textContent.includes('event_completed')")


def test_code_is_copied(window: Window, site: str) -> None:
    window.widen(1280)
    window.goto(f"{site}/docs/start")
    code = "[...document.querySelectorAll('.code')].find(one => /def listen/.test(one.textContent))"
    window.click(f"{code}.querySelector('.copy')")
    window.expect(f"{code}.querySelector('.copy').textContent === 'Copied'")
    # Firefox asks whether a page may read the clipboard, but not whoever pastes.
    window.evaluate("document.body.prepend(document.createElement('textarea'))")
    window.click("document.querySelector('textarea')")
    window.press("Control+v")
    window.expect("document.querySelector('textarea').value !== ''")
    pasted = window.evaluate("document.querySelector('textarea').value")
    assert pasted == block("docs/start.md", "def listen").text


def test_a_phone_has_its_menu_and_its_search_by_keyboard(window: Window, site: str) -> None:
    window.widen(400)
    window.goto(f"{site}/docs/streaming")
    window.press("Tab", "Tab", "Tab", "Tab")
    assert window.evaluate(FOCUSED) == "Menu"
    window.press("Enter", "Tab")
    assert window.evaluate(FOCUSED) == "Guides"
    window.press("Escape")
    assert window.evaluate("document.querySelector('.menu').open") is False
    window.evaluate("document.querySelector('.top input').focus()")
    window.press(*"phase judged")
    first = "document.querySelector('.answers strong')?.textContent"
    window.expect(f"{first} === 'How a phase is judged'")
    window.press("Down", "Enter")
    window.expect("location.pathname + location.hash === '/docs/movespec/own-range'")


def test_the_figure_of_try_is_counted(window: Window, site: str) -> None:
    window.widen(400)
    window.goto(f"{site}/try?speed=8")
    window.click("document.querySelector('[value=squat]')")
    window.click("document.querySelector('[value=figure]')")
    window.click("document.getElementById('start')")
    window.expect(
        "document.getElementById('summary-heading').textContent === 'Squat: 6 repetitions'"
    )
    assert window.evaluate(FITS)
    assert DetectionSession.objects.get().repetitions == {"squat": 6}
