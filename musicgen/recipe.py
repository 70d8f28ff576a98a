"""A piece's recipe, as text in a file: what made it, in words, and the address's fragment that shows it again.

The page writes and reads the fragment (`web/js/link.js`); here it is only told from other text.
"""

import re
from contextlib import suppress

from musicgen.io.arrange import SeedError
from musicgen.io.xmlfile import unpacked

FRAGMENT = re.compile(rb"#piece=1[A-Za-z0-9_-]{16,19999}")
LONGEST_RECIPE = 21_000  # characters


def checked(text: object) -> str:
    """The text, if it is a recipe in printable ASCII; nothing otherwise."""
    if not isinstance(text, str) or len(text) > LONGEST_RECIPE or not (text.isascii() and text.isprintable()):
        return ""
    return text if FRAGMENT.search(text.encode()) else ""


def find(data: bytes) -> str:
    """The fragment that a MIDI, MusicXML (also packed as .mxl) or PNG file carries, or nothing."""
    with suppress(SeedError):
        data = unpacked(data) if data.startswith(b"PK") else data
    found = FRAGMENT.search(data)
    return found[0].decode() if found else ""
