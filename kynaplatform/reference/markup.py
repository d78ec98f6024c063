"""Markdown and code as HTML. The content security policy allows no style: colours are classes."""

from functools import cache

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_FORMATTER = HtmlFormatter(nowrap=True)


def paragraphs(text: str) -> SafeString:
    return SafeString(_MARKDOWN.render(text))  # HTML in it is escaped


def sentence(text: str) -> SafeString:
    return SafeString(_MARKDOWN.renderInline(text))


@cache
def coloured(code: str, language: str) -> SafeString:
    lexer = get_lexer_by_name(language, stripnl=False)
    return SafeString(highlight(code, lexer, _FORMATTER).rstrip("\n"))
