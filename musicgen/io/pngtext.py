"""The texts of a PNG file, from anybody: its `tEXt`, `zTXt` and `iTXt` chunks, read without looking at the pixels.

A chunk is its length, four letters, so many bytes and a checksum; what is cut off or packed wrongly is passed over.
"""

import zlib
from collections.abc import Iterator

BEGINNING = b"\x89PNG\r\n\x1a\n"
LONGEST_UNPACKED = 65_536  # bytes of a text, unpacked
MOST_CHUNKS = 1000  # chunks that are looked at


def texts(data: bytes) -> Iterator[str]:
    """Each text without its keyword; nothing if this is no PNG."""
    at = len(BEGINNING) if data.startswith(BEGINNING) else len(data)
    for _ in range(MOST_CHUNKS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if len(body) < length or kind in (b"", b"IEND"):
            return
        _, _, text = body.partition(b"\0")
        if kind == b"tEXt":
            yield text[:LONGEST_UNPACKED].decode("latin-1")
        elif kind == b"zTXt":
            yield _unpacked(text[1:]).decode("latin-1")
        elif kind == b"iTXt":
            said = text[2:].split(b"\0", 2)[-1]  # behind two flags, the language and the keyword in that language
            yield (_unpacked(said) if text[:1] == b"\1" else said[:LONGEST_UNPACKED]).decode("utf-8", "replace")
        at += 12 + length


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, LONGEST_UNPACKED)
    except zlib.error:
        return b""
