"""What axe-core finds on a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe()


def assert_accessible(page: Page) -> None:
    """Fail with every violation on the page as it is shown now."""
    found = violations(page)
    assert not found, "\n".join([page.url, *found])


def violations(page: Page) -> list[str]:
    """For each element at fault: the rule, what it asks for, the selector and what is wrong."""
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    results = AXE.run(page, options=options).response
    return [_described(rule, node) for rule in results["violations"] for node in rule["nodes"]]


def _described(rule: dict[str, Any], node: dict[str, Any]) -> str:
    selector = " ".join(map(str, node["target"]))
    _, *faults = map(str.strip, node["failureSummary"].splitlines())
    return f"{rule['id']} ({rule['help']}): {selector}: {' '.join(faults)}"
