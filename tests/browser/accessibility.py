"""What axe-core finds on a page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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
MOST_SELECTORS = 12


@dataclass(frozen=True)
class Violation:
    rule: str
    help: str
    fault: str
    selector: str
    where: str


def assert_accessible(page: Page) -> None:
    """Fail with every violation on the page as it is shown now."""
    problems = report(violations(page, where=page.url))
    assert not problems, problems


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
        shown = list(selectors.items())[:MOST_SELECTORS]
        for selector, places in shown:
            lines.append(f"    {selector}  on {places[0]}{_and_more(len(places) - 1)}")
        if hidden := len(selectors) - len(shown):
            lines.append(f"    and {hidden} more selectors")
    return "\n".join(lines)


def _and_more(number: int) -> str:
    return f" and {number} more" if number else ""
