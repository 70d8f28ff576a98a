"""MusicXML as people have it: files that lie about themselves, archives of every kind. What is there is read."""

import io
import zipfile

import pytest
from sheets import CONTAINER, bar, mxl, note, xml

from musicgen.io.seeds import SeedError, from_file

TEXT = xml([bar(*(note(p, 2) for p in ("C5", "D5", "E5", "F5")), time="4/4")], names=("Flöte",)).decode()
DECLARED = TEXT.replace('"1.0"', '"1.0" encoding="{}"', 1)
BODY = TEXT[TEXT.index("<score-") :]


def packed(*members: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def zipped(name: str, path: str | None = None) -> bytes:
    """An archive with the score under a name, and a container that says `path`."""
    container = CONTAINER.replace("score.xml", path or "").encode()
    return packed(*[("META-INF/container.xml", container)] * bool(path), (name, TEXT.encode()))


def misnamed() -> bytes:
    """The name in the archive as some programs write it: UTF-8, but not marked as such."""
    return zipped("Fxxte.xml", "Fête.xml").replace(b"Fxxte", "Fête".encode())


@pytest.mark.parametrize(
    "data",
    {
        "plain": TEXT.encode(),
        "says UTF-16, is UTF-8": DECLARED.format("UTF-16").encode(),
        "says UTF-8, is UTF-16": DECLARED.format("UTF-8").encode("utf-16-le"),
        "UTF-16, big end first, no mark": DECLARED.format("UTF-16").encode("utf-16-be"),
        "UTF-16 with a mark": DECLARED.format("UTF-16").encode("utf-16"),
        "UTF-8 with a mark": DECLARED.format("UTF-8").encode("utf-8-sig"),
        "says UTF-8, is Latin": DECLARED.format("UTF-8").encode("latin-1"),
        "says nothing, is Latin": TEXT.encode("latin-1"),
        "Latin": DECLARED.format("ISO-8859-1").encode("latin-1"),
        "an encoding nobody knows": DECLARED.format("klingon").encode(),
        "an encoding that is none": DECLARED.format("rot13").encode(),
        "a blank line first": b"\n" + TEXT.encode(),
        "blanks and a mark first": b"\r\n  \xef\xbb\xbf" + TEXT.encode(),
        "no declaration": BODY.encode(),
        "a long comment first": TEXT.replace("<score-", f"<!-- {'by hand ' * 5000} --><score-", 1).encode(),
        "a comment after": TEXT.encode() + b"<!-- that was it -->",
        "rubbish after": TEXT.encode() + b"\0\0\0\x1a",
        "characters XML has no place for": TEXT.replace("Flöte", "Flö\x0bte\x00").encode(),
        "a loose ampersand": TEXT.replace("Flöte", "Flute & Oboe").encode(),
        "an entity of HTML": TEXT.replace("Flöte", "Fl&ouml;te&nbsp;1").encode(),
        "a document type": TEXT.replace(
            "<score-", '<!DOCTYPE score-partwise SYSTEM "partwise.dtd"><score-', 1
        ).encode(),
        "a name space": TEXT.replace(
            "<score-partwise", '<score-partwise xmlns:xlink="http://w3.invalid/xlink"'
        ).encode(),
        "elements nobody knows": TEXT.replace("<note>", "<glitter><note><pitch/></note></glitter><note>").encode(),
        "packed": mxl(TEXT.encode()),
        "packed without a container": zipped("score.xml"),
        "packed in a folder": zipped("my piece/score.musicxml"),
        "packed under a name that is not Latin": zipped("合唱.xml", "合唱.xml"),
        "packed under a name that is marked wrong": misnamed(),
        "packed under another name than is said": zipped("score.xml", "../../etc/passwd"),
        "packed with a container that says nothing": packed(
            ("META-INF/container.xml", b"<container/>"), ("a.xml", TEXT.encode())
        ),
        "packed with a broken container": packed(("META-INF/container.xml", b"<cont"), ("a.xml", TEXT.encode())),
        "packed on a Mac": packed(("__MACOSX/._song.musicxml", b"\0"), ("song.musicxml", TEXT.encode())),
        "packed among others": packed(("notes.txt", b"hello"), ("styles.xml", b"<a/>"), ("a.XML", TEXT.encode())),
        "packed in UTF-16": mxl(TEXT.encode("utf-16")),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_file_that_is_nearly_right_is_read(data):
    notes = from_file("a.musicxml", data[1]).canvas.score.notes()
    assert [(n.pitch, n.start, n.duration) for n in notes] == [(72, 0, 4), (74, 4, 4), (76, 8, 4), (77, 12, 4)]


@pytest.mark.parametrize(
    ("data", "advice"),
    {
        "an archive of something else": (packed(("a.txt", b"hello")), "export the piece as"),
        "an archive of a bare tag": (packed(("a.xml", b"<score-"), ("b.xml", b"<a/>")), "choose another"),
        "too many members": (packed(*((f"{i}.xml", b"") for i in range(1200))), "export the score alone"),
        "another XML": (b'<?xml version="1.0"?><mei><score-def/></mei>', "export"),
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "export MusicXML"),
        "a PDF": (b"%PDF-1.7" + bytes(99), "export MusicXML"),
        "a recording": (b"ID3\4" + bytes(99), "choose a .mid"),
        "a WAV": (b"RIFF\0\0\0\0WAVEfmt " + bytes(99), "choose a .mid"),
        "a film": (b"\0\0\0\x18ftypmp42" + bytes(99), "choose a .mid"),
        "a photograph": (b"\0\0\0\x18ftypheic" + bytes(99), "export MusicXML"),
        "ABC without a key": (b"X:1\nT:Tune\nGABc|", "add a line such as K:C"),
        "such a one after a remark": (b"\xef\xbb\xbf%abc-2.1\n\nT:Tune\nGABc|", "add a line such as K:C"),
        "MuseScore's": (b'<?xml version="1.0"?>\n<museScore version="4.2">', "open it in MuseScore"),
        "MuseScore's, packed": (packed(("a.mscx", b"<museScore/>")), "open it in MuseScore"),
        "MEI": (b'<?xml version="1.0"?><mei xmlns="http://www.music-encoding.org/ns/mei"/>', "program it is for"),
        "Guitar Pro's": (b"\x18FICHIER GUITAR PRO v5.10" + bytes(99), "program it is for"),
        "nothing": (b"", "empty; choose a .mid"),
        "blanks": (b"\r\n ", "empty; choose a .mid"),
        "anything": (bytes(range(256)), "choose a .mid"),
    }.values(),
)
def test_what_is_no_score_is_refused_with_advice(data, advice):
    with pytest.raises(SeedError, match=advice):
        from_file("a.file", data)


def test_a_locked_archive_says_so():
    locked = bytearray(mxl(TEXT.encode()))
    for mark in (b"PK\3\4", b"PK\1\2"):
        at = -1
        while (at := locked.find(mark, at + 1)) >= 0:
            locked[at + (6 if mark == b"PK\3\4" else 8)] |= 1
    with pytest.raises(SeedError, match="password"):
        from_file("a.mxl", bytes(locked))
