"""Tables as text, as Markdown and as JSON, and their place in the docs."""

import re
from pathlib import Path

import pytest

from dev.bench.score import documents
from dev.bench.score.tables import Table

TABLE = Table(
    key="counts",
    title="Counts",
    columns=("exercise", "exact", "F1"),
    rows=[("squat", 12, 0.987), ("lunge", 3, None)],
)


def test_the_docs_get_the_tables_that_are_for_them_in_place_of_the_old(tmp_path: Path) -> None:
    long = Table(key="long", title="Long", columns=("a",), rows=[(1,)], is_for_docs=False)
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{documents.BEGIN}\nold\n{documents.END}\n\nAfter.\n")
    for _ in range(2):
        documents.write({"part": [TABLE, long]}, page)
        assert page.read_text() == (
            f"Before.\n\n{documents.BEGIN}\n\n{TABLE.markdown()}\n\n{documents.END}\n\nAfter.\n"
        )


@pytest.mark.parametrize("text", ["", documents.BEGIN, documents.END])
def test_a_page_without_the_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="The page has no"):
        documents.replaced(text, "tables")


def test_the_page_has_the_markers() -> None:
    text = documents.PAGE.read_text(encoding="utf-8")
    assert (text.count(documents.BEGIN), text.count(documents.END)) == (1, 1)


def test_to_write_the_tables_of_the_page_again_changes_nothing() -> None:
    text = documents.PAGE.read_text(encoding="utf-8")
    tables = text.partition(documents.BEGIN)[2].partition(documents.END)[0]
    assert documents.replaced(text, tables.strip()) == text


def test_the_engines_page_has_the_figures_of_the_tables() -> None:
    """Each sum over a data set, of people left out and as shipped."""
    tables = documents.PAGE.read_text(encoding="utf-8").split("\n\n**")
    engine = documents.PAGE.with_name("engine.md").read_text(encoding="utf-8")
    text = engine.partition("\n## How well it counts\n")[2].partition("\n## ")[0]
    left_out, shipped = (
        re.findall(r"^\| [\w-]+: all \| (\d+) \| (\d+) \| (\d+) \|", table, re.M)
        for title in ("each counted with rules tuned on the other people", "as shipped**")
        for table in [next(one for one in tables if title in one.partition("\n\n")[0])]
    )
    numbers = re.findall(r"\d+", text)
    (first, second), (shipped_first, shipped_second) = left_out, shipped
    assert numbers == [
        *(first[0], second[0]),
        *(first[1], first[0], second[1], second[0]),
        *(first[2], second[2]),
        *(shipped_first[1], shipped_second[1]),
    ]
