"""The rule of names that clients, staff and commands give, and how older names are shown."""

import unicodedata
from argparse import ArgumentTypeError

from django.core.exceptions import ValidationError

MAX_NAME_CHARACTERS = 255
# Control, format, and the separators of lines and of paragraphs: what does not show, or
# reorders what does.
UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _unseen_ranges() -> str:
    """The characters of UNSEEN_CATEGORIES as ranges of a regular expression.

    Those beyond U+FFFF are left out: in JavaScript a pattern that has them needs a flag.
    """
    unseen = [
        code for code in range(0x10000) if unicodedata.category(chr(code)) in UNSEEN_CATEGORIES
    ]
    firsts = [code for code in unseen if code - 1 not in unseen]
    lasts = [code for code in unseen if code + 1 not in unseen]
    return "".join(
        rf"\u{first:04x}" if first == last else rf"\u{first:04x}-\u{last:04x}"
        for first, last in zip(firsts, lasts, strict=True)
    )


_UNSEEN = _unseen_ranges()
# For the OpenAPI document.
PATTERN_OF_NAMES = rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$"


def fault_of_name(name: str) -> str | None:
    """The fault of a name's characters, as a sentence; None where there is none."""
    if any(unicodedata.category(character) in UNSEEN_CATEGORIES for character in set(name)):
        return "Holds a control or format character."
    if not name.strip():
        return "Holds nothing but spaces."
    return None


def validate_name(name: str) -> None:
    if fault := fault_of_name(name):
        raise ValidationError(fault, code="invalid")


def name_argument(text: str) -> str:
    if not 1 <= len(text) <= MAX_NAME_CHARACTERS:
        raise ArgumentTypeError(f"Is not of 1 to {MAX_NAME_CHARACTERS} characters.")
    if fault := fault_of_name(text):
        raise ArgumentTypeError(fault)
    return text


def visible(text: str) -> str:
    """`text` with what would not show, or would reorder what does, written as its code point."""
    return "".join(
        f"[U+{ord(character):04X}]"
        if unicodedata.category(character) in UNSEEN_CATEGORIES and character != "\t"
        else character
        for character in text
    )
