"""A piece's recipe, as text in a file: what made it, in words, and the address's fragment that shows it again.

The page writes and reads the fragment (`web/js/link.js`); here it is only told from other text.
"""

import re

FRAGMENT = re.compile(rb"#piece=1[A-Za-z0-9_-]{16,19999}")
LONGEST_RECIPE = 21_000  # characters


def checked(text: object) -> str:
    """The text, if it is a recipe in printable ASCII; nothing otherwise."""
    if not isinstance(text, str) or len(text) > LONGEST_RECIPE or not (text.isascii() and text.isprintable()):
        return ""
    return text if FRAGMENT.search(text.encode()) else ""


def find(data: bytes) -> str:
    """The fragment that a MIDI, MusicXML or PNG file carries, or nothing."""
    found = FRAGMENT.search(data)
    return found[0].decode() if found else ""
