"""Blocks of code as HTML, coloured by classes: the content security policy allows no style."""

from markdown_it.common.utils import escapeHtml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

# What a reader calls a language, by its name in the text.
NAMES = {
    "css": "CSS",
    "html": "HTML",
    "ini": "INI",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "jsx": "JSX",
    "python": "Python",
    "sh": "Shell",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "yaml": "YAML",
}
_FORMATTER = HtmlFormatter(nowrap=True)


def highlighted(code: str, language: str) -> str:
    """The code as HTML; without colours where the language is unknown."""
    if language not in NAMES:
        return escapeHtml(code)
    # Spaces at either end are the text's own.
    lexer = get_lexer_by_name(language, stripnl=False)
    coloured: str = highlight(code, lexer, _FORMATTER)
    return coloured


def code_block(code: str, language: str) -> str:
    """A block that scrolls in a box of its own, by keyboard too. A script adds a copy button."""
    name = f'<p class="code-name">{NAMES[language]}</p>\n' if language in NAMES else ""
    return (
        f'<div class="code">\n{name}<pre tabindex="0"><code>{highlighted(code, language)}'
        "</code></pre>\n</div>\n"
    )
