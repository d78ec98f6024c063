"""Markdown and code as HTML."""

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from kynaplatform.http.highlighting import highlighted

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def paragraphs(text: str) -> SafeString:
    return SafeString(_MARKDOWN.render(text))  # HTML in it is escaped


def sentence(text: str) -> SafeString:
    return SafeString(_MARKDOWN.renderInline(text))


def coloured(code: str, language: str) -> SafeString:
    """The code without the end of its last line."""
    return SafeString(highlighted(code, language).rstrip("\n"))
