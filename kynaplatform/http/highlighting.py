"""Code in colours. The content security policy allows no style: colours are Pygments' classes."""

from functools import cache

from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

_FORMATTER = HtmlFormatter(nowrap=True)


@cache
def highlighted(code: str, language: str) -> SafeString:
    """The code as HTML. `language` is one that Pygments has a lexer for."""
    # Spaces at either end are the text's own.
    lexer = get_lexer_by_name(language, stripnl=False)
    return SafeString(highlight(code, lexer, _FORMATTER))
