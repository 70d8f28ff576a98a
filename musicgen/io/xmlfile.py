"""A MusicXML file as bytes, plain or compressed, from anybody -> a tree of what matters in it.

Bounded in size, depth and number of elements; nothing outside the file is ever fetched, and no entity may be declared.
Files that are nearly right are read: the bytes are believed before what the file says of its encoding or its archive.
"""

import io
import re
import zipfile
from xml.etree import ElementTree
from xml.parsers import expat

from musicgen.io.arrange import SeedError

MAX_XML_BYTES = 10 * 1024 * 1024  # of the XML itself, unpacked
MAX_ELEMENTS, MAX_DEPTH = 400_000, 50
MAX_MEMBERS = 1000  # of an archive
BROKEN = "this MusicXML file is damaged and cannot be read: choose another one, or export it again"
PACKED = "this .mxl file is damaged and cannot be unpacked: export it again"
ENCODINGS = re.compile(r"utf-?8|us-ascii|iso-8859-\d+|windows-\d+|cp\d+|shift_jis|euc-\w+|gb\w+|big5|koi8-r|macintosh")
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters XML has no place for
LOOSE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)")  # an & that begins no known entity

# Elements that say what sounds and when. All others are dropped as they come, with what is in them.
KEPT_TAGS = {
    "score-partwise", "score-timewise", "part-list", "score-part", "part-name", "midi-instrument", "midi-channel",
    "work", "work-title", "movement-title", "credit", "credit-type", "credit-words", "creator",
    "identification", "miscellaneous", "miscellaneous-field", "part", "measure", "attributes", "divisions", "time",
    "beats", "beat-type", "clef", "sign", "staff-details", "staff-type", "transpose", "chromatic", "octave-change",
    "measure-style", "measure-repeat", "note", "grace", "cue", "chord", "rest", "pitch", "step", "alter",
    "accidental", "octave", "unpitched", "duration", "tie", "voice", "type", "dot", "time-modification",
    "actual-notes", "normal-notes", "staff", "notations", "tied", "backup", "forward", "direction",
    "direction-type", "words", "metronome", "beat-unit", "beat-unit-dot", "per-minute", "sound", "barline", "bar-style",
    "repeat", "ending", "container", "rootfiles", "rootfile",
}  # fmt: skip


def holds_score(data: bytes) -> bool:
    """Whether there is a score in it, or an archive in which there may be one."""
    return data.startswith(b"PK") or any("<score-".encode(code) in data for code in ("utf-8", "utf-16-le", "utf-16-be"))


def parse(data: bytes) -> ElementTree.Element:
    """The score's root element. Raises SeedError if it is none, broken, too large, or built to do harm."""
    data = unpacked(data) if data.startswith(b"PK") else data
    if len(data) > MAX_XML_BYTES:
        raise SeedError(f"this MusicXML file is larger than {MAX_XML_BYTES >> 20} MB: choose a shorter piece")
    root = _tree(_text(data))
    if root.tag not in ("score-partwise", "score-timewise"):
        raise SeedError("this is not a MusicXML score: choose a .musicxml or .mxl file exported by a notation program")
    return root


def unpacked(data: bytes) -> bytes:
    """The score inside a .mxl, read no further than is allowed whatever its header claims."""
    if data.count(b"PK\1\2") > MAX_MEMBERS:
        raise SeedError("this .mxl file holds too many files: export the score alone")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            named = _named_score(archive)
            others = [i for i in archive.infolist() if i != named and re.search(r"(?i)\.(musicxml|xml)$", i.filename)]
            others = [i for i in others if not i.filename.startswith(("META-INF", "__MACOSX"))]
            for member in [named, *others][:4]:  # more would be work without end
                found = _member(archive, member) if member else b""
                if holds_score(found):
                    return found
            if any(info.filename.endswith(".mscx") for info in archive.infolist()):
                raise SeedError("this is a MuseScore file: open it in MuseScore and export MusicXML")
    except SeedError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds, zlib's and struct's among them
        raise SeedError(PACKED) from error
    raise SeedError("there is no MusicXML score in this archive: export the piece as .musicxml or .mxl")


def _named_score(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """What the archive's container says is the score, if it has one and says so."""
    try:
        container = _tree(_text(_member(archive, archive.getinfo("META-INF/container.xml"), 65536)))
        return archive.getinfo(next(e.get("full-path", "") for e in container.iter("rootfile")))
    except (KeyError, StopIteration):
        return None
    except SeedError as error:
        if str(error) == BROKEN:
            return None
        raise


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = MAX_XML_BYTES + 1) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SeedError("this .mxl file is packed in an unusual way: export it again, or as .musicxml")
    if info.flag_bits & 1:
        raise SeedError("this .mxl file is locked with a password: export it again without one")
    with archive.open(info) as member:
        return member.read(most)


def _text(data: bytes) -> str:
    """Bytes -> XML that begins with its first tag, in the encoding they are really in."""
    text = _decoded(data)
    begin, end = text.find("<"), text.rfind(">")
    text = text[max(begin, 0) : end + 1]
    if UNREADABLE.search(text):
        text = UNREADABLE.sub("", text)
    return LOOSE.sub("&amp;", text) if "&" in text else text


def _decoded(data: bytes) -> str:
    for mark, code in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(code, "replace")
    if data[:80].count(0) > 20:  # every other byte of a Latin tag in UTF-16
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    said = re.search(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)", data[:400])
    said = said[1].decode("ascii", "replace").lower() if said else "utf-8"
    for code in [said] * bool(ENCODINGS.fullmatch(said)) + ["utf-8"]:
        try:
            return data.decode(code)
        except (UnicodeDecodeError, LookupError):
            pass
    return data.decode("latin-1")


def _tree(text: str) -> ElementTree.Element:
    parser, builder = expat.ParserCreate(), ElementTree.TreeBuilder()
    parser.buffer_text = True
    depth = count = 0
    dropped = 0  # the depth at which an element was dropped, 0 where none is

    def start(tag, attributes):
        nonlocal depth, count, dropped
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise SeedError("this MusicXML file holds too much: choose a shorter piece")
        if not dropped:
            if tag in KEPT_TAGS or depth == 1:
                builder.start(tag, attributes)
            else:
                dropped = depth

    def end(tag):
        nonlocal depth, dropped
        if not dropped:
            builder.end(tag)
        elif dropped == depth:
            dropped = 0
        depth -= 1

    def characters(text):
        if not dropped:
            builder.data(text)

    def refuse(*_):
        raise SeedError("this MusicXML file declares entities, which no score needs, and was refused: export it again")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = characters, refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError) as error:
        raise error if isinstance(error, SeedError) else SeedError(BROKEN) from error
    return builder.close()
