"""The page at /try on screens of a kind: a phone that goes dark, and a system's own colours."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.trying import RUN_MS, start
from tests.chromium import WITH_SCREEN as CHROMIUM

__all__ = ["CHROMIUM"]

pytestmark = pytest.mark.django_db(transaction=True)

BACKGROUND = "one => getComputedStyle(one).backgroundColor"
# What a system has for a selected item, and how it shows the first phase.
HIGHLIGHT = """
() => {
  const probe = document.body.appendChild(document.createElement("p"));
  probe.style.cssText = "forced-color-adjust: none; background: Highlight";
  const color = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return color;
}
"""
BLUE = "rgb(0, 114, 178)"


@pytest.mark.long
def test_with_forced_colours_what_is_chosen_and_what_colours_mean_is_seen(
    visit: Callable[..., Page],
) -> None:
    page = visit(forced_colors="active")
    page.goto("/try?speed=8")
    chosen = page.locator(".chip", has_text="Squat").locator("span")
    other = page.locator(".chip", has_text="Lunge").locator("span")
    assert chosen.evaluate(BACKGROUND) == page.evaluate(HIGHLIGHT)
    assert other.evaluate(BACKGROUND) != page.evaluate(HIGHLIGHT)
    start(page)
    expect(page.locator("#live-legend .phase-1")).to_be_visible()
    assert page.locator("#live-legend .phase-1").evaluate(BACKGROUND) == BLUE
    expect(page.locator("#summary")).to_be_visible(timeout=RUN_MS)
    assert page.locator("#summary-legend .phase-1").evaluate(BACKGROUND) == BLUE


# Keeps what the browser gives, and does what it does to a page that is hidden.
WATCH_LOCKS = """
window.locks = [];
const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
navigator.wakeLock.request = async (type) => {
  const lock = await ask(type);
  locks.push(lock);
  return lock;
};
window.show = async (state) => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  if (state === "hidden") await Promise.all(locks.map((lock) => lock.release()));
  document.dispatchEvent(new Event("visibilitychange"));
  await Promise.resolve();
};
"""
HELD = "locks.map(lock => !lock.released)"


@pytest.mark.long
def test_the_screen_stays_on_until_the_end_also_after_the_page_was_hidden(page: Page) -> None:
    page.add_init_script(WATCH_LOCKS)
    page.goto("/try")
    start(page)
    expect(page.locator("#state")).to_have_text("Counting")
    assert page.evaluate(HELD) == [True]
    page.evaluate("show('hidden')")
    assert page.evaluate(HELD) == [False]
    page.evaluate("show('visible')")
    page.wait_for_function("locks.length === 2")
    assert page.evaluate(HELD) == [False, True]
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary")).to_be_visible(timeout=RUN_MS)
    assert page.evaluate(HELD) == [False, False]
    page.evaluate("show('visible')")
    assert page.evaluate(HELD) == [False, False]
