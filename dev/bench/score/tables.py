"""Tables of figures: as text for a terminal, as JSON, and as Markdown between two markers of
docs/accuracy.md."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Cell = str | int | float | None
Row = tuple[Cell, ...]
Made = dict[str, list["Table"]]

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "accuracy.md"
BEGIN, END = "<!-- score:begin -->", "<!-- score:end -->"
MAX_LINE: Final = 100


@dataclass(frozen=True, slots=True)
class Table:
    """`key` names it in the JSON. `is_for_docs` is False where it is too long for them."""

    key: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    is_for_docs: bool = True

    def text(self) -> str:
        cells = [self.columns, *(tuple(map(shown, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self.title, ""]
        for row in cells:
            padded = [
                cell.ljust(width) if is_text else cell.rjust(width)
                for cell, width, is_text in zip(row, widths, self._are_texts(), strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    def markdown(self) -> str:
        title = textwrap.fill(f"**{self.title}**", MAX_LINE, break_on_hyphens=False)
        lines = [title, "", _line(self.columns)]
        lines.append(_line("---" if is_text else "---:" for is_text in self._are_texts()))
        lines += [_line(map(shown, row)) for row in self.rows]
        return "\n".join(lines)

    def json(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _are_texts(self) -> list[bool]:
        return [
            any(isinstance(row[number], str) for row in self.rows)
            for number in range(len(self.columns))
        ]


def shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def write(made: Made, page: Path = PAGE) -> None:
    """Replace the page's tables with these."""
    texts = (table.markdown() for tables in made.values() for table in tables if table.is_for_docs)
    page.write_text(
        replaced(page.read_text(encoding="utf-8"), "\n\n".join(texts)), encoding="utf-8"
    )


def replaced(text: str, tables: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN} … {END}.")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"
