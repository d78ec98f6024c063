"""The documents: lines that an editor shows whole, and names that the code has."""

import re
from pathlib import Path

from dev.local_stack.environment import PROJECT

MAX_LINE = 100
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
WHERE = re.compile(r"^\| .* \| `([^`]+\.py)` \| `(\w+)` \|$", re.MULTILINE)


def of(document: Path) -> str:
    return document.relative_to(PROJECT).as_posix()


def prose(document: Path) -> str:
    """A document without blocks of code."""
    text = document.read_text(encoding="utf-8")
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def test_a_line_has_at_most_100_characters() -> None:
    """But in a table, or where a link alone is longer."""
    too_long = [
        f"{of(document)}: {line}"
        for document in DOCUMENTS
        for line in prose(document).splitlines()
        if len(line) > MAX_LINE
        and not line.startswith("|")
        and not re.fullmatch(r"\s*(?:- )?!?\[.*\]\(\S+\)[.,]?", line)
    ]
    assert not too_long, "\n".join(too_long)


def test_a_file_that_is_named_is_there() -> None:
    tops = {path.name for path in PROJECT.iterdir() if path.is_dir()} - {"movespecs"}
    missing = [
        f"{of(document)}: {path}"
        for document in DOCUMENTS
        for path in re.findall(
            r"`([\w.-]+/[\w./-]+\.(?:py|yaml|yml|conf|svg|md))`", prose(document)
        )
        if path.split("/")[0] in tops and not (PROJECT / path).exists()
    ]
    assert not missing, "\n".join(missing)


def test_the_table_of_tasks_names_what_the_code_has() -> None:
    where = WHERE.findall((PROJECT / "docs" / "contributing.md").read_text(encoding="utf-8"))
    assert len(where) >= 10
    for path, name in where:
        assert re.search(rf"\b{name}\b", (PROJECT / path).read_text(encoding="utf-8")), path
