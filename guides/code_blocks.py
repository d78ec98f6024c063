"""Blocks of code as HTML, coloured by classes: the content security policy allows no style."""

from markdown_it.common.utils import escapeHtml

from kynaplatform.http.highlighting import highlighted

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


def code_block(code: str, language: str) -> str:
    """A block that scrolls in a box of its own, by keyboard too. A script adds a copy button."""
    name = f'<p class="code-name">{NAMES[language]}</p>\n' if language in NAMES else ""
    coloured = highlighted(code, language) if language in NAMES else escapeHtml(code)
    return f'<div class="code">\n{name}<pre tabindex="0"><code>{coloured}</code></pre>\n</div>\n'
