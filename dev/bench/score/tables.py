"""Tables of figures: as text for a terminal, as Markdown for the docs, and as JSON."""

import textwrap
from dataclasses import dataclass
from typing import Any, Final

Cell = str | int | float | None
# A line of the docs has so many characters.
LINE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`key` names it in the JSON. `is_for_docs` is False where it is too long for them."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
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
        title = textwrap.fill(f"**{self.title}**", LINE, break_on_hyphens=False)
        lines = [title, "", _line(self.columns)]
        lines.append(_line(["---" if is_text else "---:" for is_text in self._are_texts()]))
        lines += [_line([shown(cell) for cell in row]) for row in self.rows]
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


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
