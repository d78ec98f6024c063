"""Tables of figures: as text for a terminal, and as Markdown between two markers of
docs/accuracy.md."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

Cell = str | int | float | None
Row = tuple[Cell, ...]

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "accuracy.md"
BEGIN, END = "<!-- score:begin -->", "<!-- score:end -->"
MAX_LINE: Final = 100


class Table(NamedTuple):
    title: str
    columns: Sequence[str]
    rows: Sequence[Row]

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
        return "\n".join([*lines, *(_line(map(shown, row)) for row in self.rows)])

    def _are_texts(self) -> list[bool]:
        columns = range(len(self.columns))
        return [any(isinstance(row[number], str) for row in self.rows) for number in columns]


def shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def write(tables: Iterable[Table], page: Path = PAGE) -> None:
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN} … {END}.")
    made = "\n\n".join(table.markdown() for table in tables)
    page.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
