"""A piece's recipe, as text in a file: what made it, in words, and the address's fragment that shows it again.

The page writes and reads the fragment (`web/js/link.js`); here it is only told from other text.
"""

import re

from musicgen.io import pngtext

FRAGMENT = re.compile(r"#piece=1[A-Za-z0-9_-]{16,19999}(?![A-Za-z0-9_-])")
LONGEST_RECIPE = 21_000  # characters


def checked(text: object) -> str:
    """The text, if it is a recipe in printable ASCII; nothing otherwise."""
    if not isinstance(text, str) or len(text) > LONGEST_RECIPE or not (text.isascii() and text.isprintable()):
        return ""
    return text if fragment(text) else ""


def fragment(text: str) -> str:
    """The fragment in a recipe, or nothing."""
    found = FRAGMENT.search(text)
    return found[0] if found else ""


def of_picture(data: bytes) -> str:
    """The fragment that a PNG carries, or nothing."""
    return next(filter(None, map(fragment, pngtext.texts(data))), "")
