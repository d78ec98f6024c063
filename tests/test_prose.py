"""The documents: lines that an editor shows whole, and names that the code has."""

import re
from pathlib import Path

import pytest

from local_stack.environment import PROJECT

LONGEST_LINE = 100
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# Of these each page has one thing, in this order.
DECISION = ["Question", "Decision", "Why", "Cost", "Think again when"]
DECISIONS = sorted((PROJECT / "docs" / "decisions").glob("[a-z]*.md"))
WHERE = re.compile(r"^\| .* \| `([^`]+\.py)` \| `(\w+)` \|$", re.MULTILINE)


def of(document: Path) -> str:
    return document.relative_to(PROJECT).as_posix()


def prose(document: Path) -> str:
    """A document without blocks of code."""
    text = document.read_text(encoding="utf-8")
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=of)
def test_a_line_has_at_most_100_characters(document: Path) -> None:
    """But in a table, or where a link alone is longer."""
    for line in prose(document).splitlines():
        if not line.startswith("|") and not re.fullmatch(r"\s*!?\[.*\]\(\S+\)[.,]?", line):
            assert len(line) <= LONGEST_LINE, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=of)
def test_a_file_that_is_named_is_there(document: Path) -> None:
    named = re.findall(r"`([\w.-]+/[\w./-]+\.(?:py|yaml|yml|conf|svg|md))`", prose(document))
    tops = {path.name for path in PROJECT.iterdir() if path.is_dir()}
    missing = [
        path
        for path in named
        if path.split("/")[0] in tops - {"movespecs"} and not (PROJECT / path).exists()
    ]
    assert missing == []


def test_the_readme_names_what_the_code_has() -> None:
    where = WHERE.findall((PROJECT / "README.md").read_text(encoding="utf-8"))
    assert len(where) >= 10
    for path, name in where:
        assert re.search(rf"\b{name}\b", (PROJECT / path).read_text(encoding="utf-8")), path


@pytest.mark.parametrize("decision", DECISIONS, ids=of)
def test_a_decision_has_its_five_parts(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    parts = re.findall(r"^\*\*([\w ]+?)\.?\*\*", text, flags=re.MULTILINE)
    assert parts == DECISION
