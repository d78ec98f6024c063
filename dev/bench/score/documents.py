"""The tables in docs/accuracy.md, between two markers that the page has."""

from pathlib import Path

from .tables import Table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "accuracy.md"
BEGIN = "<!-- score:begin -->"
END = "<!-- score:end -->"


def markdown(made: dict[str, list[Table]]) -> str:
    return "\n\n".join(
        table.markdown() for tables in made.values() for table in tables if table.is_for_docs
    )


def write(made: dict[str, list[Table]], page: Path = PAGE) -> None:
    """Put the tables in place of those that the page has."""
    page.write_text(replaced(page.read_text(encoding="utf-8"), markdown(made)), encoding="utf-8")


def replaced(text: str, tables: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN} … {END}.")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"
