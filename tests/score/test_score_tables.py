"""Tables as text, as Markdown and as JSON, and their place in the docs."""

import re
from pathlib import Path

import pytest

from dev.bench.score import tables
from dev.bench.score.tables import Table

TABLE = Table("Counts", ("exercise", "exact", "F1"), [("squat", 12, 0.987), ("lunge", 3, None)])


def test_the_docs_get_the_tables_in_place_of_the_old(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{tables.BEGIN}\nold\n{tables.END}\n\nAfter.\n")
    for _ in range(2):
        tables.write([TABLE], page)
        assert page.read_text() == (
            f"Before.\n\n{tables.BEGIN}\n\n**Counts**\n\n"
            "| exercise | exact | F1 |\n| --- | ---: | ---: |\n"
            f"| squat | 12 | 0.99 |\n| lunge | 3 | - |\n\n{tables.END}\n\nAfter.\n"
        )
    page.write_text(tables.BEGIN)
    with pytest.raises(ValueError, match="The page has no"):
        tables.write([TABLE], page)


def test_the_engines_page_has_the_figures_of_the_tables() -> None:
    """Each sum over a data set, of people left out and as shipped."""
    parts = tables.PAGE.read_text(encoding="utf-8").split("\n\n**")
    engine = tables.PAGE.with_name("engine.md").read_text(encoding="utf-8")
    text = engine.partition("\n## How well it counts\n")[2].partition("\n## ")[0]
    left_out, shipped = (
        re.findall(r"^\| [\w-]+: all \| (\d+) \| (\d+) \| (\d+) \|", table, re.M)
        for title in ("each counted with rules tuned on the other people", "as shipped**")
        for table in [next(one for one in parts if title in one.partition("\n\n")[0])]
    )
    numbers = re.findall(r"\d+", text)
    (first, second), (shipped_first, shipped_second) = left_out, shipped
    assert numbers == [
        *(first[0], second[0]),
        *(first[1], first[0], second[1], second[0]),
        *(first[2], second[2]),
        *(shipped_first[1], shipped_second[1]),
    ]
