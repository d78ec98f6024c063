"""What axe-core finds on a page, light and dark, on a narrow and on a wide screen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Literal, NamedTuple

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Transitions are first taken to their end: a colour on its way to another is none to judge. Only
# the violations are fetched, since the whole answer takes longer than the checks.
RUN = """
async ([within, tags]) => {
  const moving = document.getAnimations().filter(one => one instanceof CSSTransition);
  moving.forEach(one => one.finish());
  const options = {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]};
  return (await axe.run(within, options)).violations;
}
"""
MAX_SELECTORS = 12
HIDDEN_OF_A_LIST = """
() => {
  const list = document.querySelector("#changelist .results");
  return list ? list.scrollWidth - list.clientWidth : 0;
}
"""


class Screen(NamedTuple):
    width: int
    color_scheme: Literal["light", "dark"]

    def show(self, page: Page) -> None:
        page.set_viewport_size({"width": self.width, "height": 900})
        page.emulate_media(color_scheme=self.color_scheme)


Screens = tuple[Screen, ...]
# Each width and each colour scheme is judged once; the two other combinations take as long again.
SCREENS: Screens = (Screen(1280, "light"), Screen(400, "dark"))
OTHER_SCREENS: Screens = (Screen(400, "light"), Screen(1280, "dark"))
each_screen = pytest.mark.parametrize(
    "screens",
    [
        pytest.param(SCREENS, id="light-wide-and-dark-narrow"),
        pytest.param(OTHER_SCREENS, id="light-narrow-and-dark-wide", marks=pytest.mark.long),
    ],
)


def screens_in_turn(one_in: int) -> pytest.MarkDecorator:
    """For many pages of few templates: the gate looks at one in `one_in`, as `[::one_in]`."""
    every = pytest.param(SCREENS + OTHER_SCREENS, 1, marks=pytest.mark.long)
    return pytest.mark.parametrize(
        ("screens", "one_in"), [(SCREENS, one_in), every], ids=["in-turn", "every-screen"]
    )


@dataclass(frozen=True)
class Violation:
    rule: str
    help: str
    fault: str
    selector: str
    where: str


class Inspection:
    """What is wrong with pages, each of which is loaded once and shown on all `screens`.

    axe-core judges each page on all of them, or `in_turn` on one of them.
    """

    def __init__(self, screens: Screens = SCREENS, *, in_turn: bool = False) -> None:
        self.screens = screens
        self._judged: Iterator[Screens] = repeat(screens)
        if in_turn:
            self._judged = ((screen,) for screen in cycle(screens))
        self.found: list[Violation] = []
        self.too_wide: list[str] = []

    def check(self, page: Page, name: str, within: str = "html") -> None:
        judged = next(self._judged)
        for screen in self.screens:
            screen.show(page)
            where = f"{name} ({screen.color_scheme}, {screen.width} px)"
            if screen in judged:
                self.found.extend(violations(page, where, within))
            shown = page.evaluate("document.documentElement.scrollWidth")
            if shown > screen.width:
                self.too_wide.append(f"{where} scrolls sideways: {shown} px wide")
            if (hidden := page.evaluate(HIDDEN_OF_A_LIST)) > 0:
                self.too_wide.append(f"{where}: {hidden} px of the list are hidden")

    def assert_no_problem(self) -> None:
        problems = "\n".join([*self.too_wide, report(self.found)]).strip()
        assert not problems, problems


def assert_accessible(page: Page) -> None:
    """Fail with every violation on the page as it is shown now."""
    problems = report(violations(page, where=page.url))
    assert not problems, problems


def assert_accessible_and_fits(page: Page, screens: Screens = SCREENS) -> None:
    """Fail with every violation on these screens, and with what scrolls sideways."""
    inspection = Inspection(screens)
    inspection.check(page, page.url)
    inspection.assert_no_problem()


def violations(page: Page, where: str, within: str = "html") -> list[Violation]:
    """One for each element at fault `within` a selector; the report calls the page `where`."""
    page.wait_for_load_state()
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    return [
        Violation(
            rule=rule["id"],
            help=rule["help"],
            fault=" ".join(map(str.strip, node["failureSummary"].splitlines())),
            selector=" ".join(map(str, node["target"])),
            where=where,
        )
        for rule in page.evaluate(RUN, [within, TAGS])
        for node in rule["nodes"]
    ]


def report(found: Iterable[Violation]) -> str:
    """What is wrong, and below it each selector with the pages that it is wrong on."""
    faults: dict[tuple[str, str, str], dict[str, list[str]]] = defaultdict(dict)
    for one in found:
        selectors = faults[one.rule, one.help, one.fault]
        selectors.setdefault(one.selector, []).append(one.where)
    lines = []
    for (rule, meant, fault), selectors in sorted(faults.items()):
        lines += [f"{rule}: {meant}", f"    {fault}"]
        shown = list(selectors.items())[:MAX_SELECTORS]
        for selector, places in shown:
            lines.append(f"    {selector}  on {places[0]}{_and_more(len(places) - 1)}")
        if hidden := len(selectors) - len(shown):
            lines.append(f"    and {hidden} more selectors")
    return "\n".join(lines)


def _and_more(number: int) -> str:
    return f" and {number} more" if number else ""
