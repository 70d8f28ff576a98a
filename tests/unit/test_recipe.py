"""A recipe in every kind of file that can carry text, found again; what is none, refused."""

import io
import zipfile
import zlib

import mido
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sheets import mxl

from musicgen import recipe
from musicgen.export import FORMATS
from musicgen.io import midi, notation, pngtext
from musicgen.io.seeds import from_file
from musicgen.score import Note, Score, from_notes
from musicgen.session import Composition

FRAGMENT = "#piece=1" + "aZ09_-" * 50
TEXT = f"Nonet recipe: model gru, random seed 3. Add to the address: {FRAGMENT}"
SCORE = Score(from_notes([Note(0, 72, 0, 16), Note(3, 48, 0, 16)], 16))
LONG = TEXT + "x" * 15_000


def written(kind: str, text: str) -> bytes:
    work = Composition(SCORE, SCORE.cells > 1, "gru", 3, text)
    return FORMATS[kind].make(work, ["piano"] * 4)


def found(kind: str, data: bytes) -> str:
    return recipe.of_picture(data) if kind == "png" else recipe.fragment(from_file(f"a.{kind}", data).recipe)


@pytest.mark.parametrize("kind", ["midi", "musicxml", "png"])
def test_a_file_carries_its_recipe_and_only_if_there_is_one(kind):
    assert found(kind, written(kind, TEXT)) == FRAGMENT
    assert found(kind, written(kind, LONG)) == FRAGMENT + "x" * 15_000
    assert found(kind, written(kind, "")) == ""


def test_a_packed_score_carries_it_too():
    packed = mxl(written("musicxml", TEXT))
    assert FRAGMENT.encode() not in packed and found("mxl", packed) == FRAGMENT
    assert zipfile.is_zipfile(io.BytesIO(packed))


def by_checksum(keyword: str = "Description") -> dict[int, str]:
    """For each first byte of a chunk's checksum a recipe that gives it."""
    texts = {}
    for n in range(10_000):
        text = f"Nonet recipe: random seed {n}. #piece=1{'aZ09_-' * 4}{n}"
        texts.setdefault(zlib.crc32(f"tEXt{keyword}\0{text}".encode("latin-1")) >> 24, text)
    return texts


def picture(**texts: tuple[str, dict]) -> bytes:
    info, data = PngInfo(), io.BytesIO()
    for keyword, (text, how) in texts.items():
        info.add_itxt(keyword, text, **how) if "lang" in how else info.add_text(keyword, text, **how)
    Image.new("L", (1, 1)).save(data, "PNG", pnginfo=info)
    return data.getvalue()


def test_a_picture_is_read_whatever_its_checksums_begin_with():
    texts = by_checksum()
    assert set(texts) == set(range(256))
    for first, text in texts.items():
        data = picture(Software=("Nonet", {}), Description=(text, {}))
        assert data[data.index(text.encode()) + len(text)] == first
        assert recipe.of_picture(data) == text[text.index("#") :]


def test_our_own_picture_is_read_where_a_checksum_begins_with_a_letter():
    for first in b"A", b"z", b"0", b"_", b"-":
        text = by_checksum()[first[0]]
        assert recipe.of_picture(written("png", text)) == text[text.index("#") :]


@pytest.mark.parametrize("how", [{"zip": True}, {"lang": "en", "tkey": "Beschreibung"}, {"lang": "", "zip": True}])
def test_a_picture_that_another_program_saved_keeps_it(how):
    assert recipe.of_picture(picture(Comment=("none", {}), Description=(LONG, how))) == FRAGMENT + "x" * 15_000


def test_broken_pictures_have_no_texts():
    data = picture(Description=(TEXT, {"zip": True}))
    at = data.index(b"zTXt")
    damaged = data[: at + 20] + b"\xff" * 20 + data[at + 40 :]
    for broken in (b"", b"no picture", data[:8], data[: at + 20], damaged, data[:8] + b"\xff" * 400, data[1:]):
        assert [text for text in pngtext.texts(broken) if "#piece" in text] == []
    bomb = picture(Description=("x" * 1_000_000, {"zip": True}))
    assert [len(text) for text in pngtext.texts(bomb)] == [pngtext.LONGEST_UNPACKED]


def test_it_stands_where_text_stands_and_the_music_is_the_same():
    file = mido.MidiFile(file=io.BytesIO(written("midi", TEXT)))
    assert TEXT in [message.text for message in file.tracks[0] if message.type == "text"]
    assert Image.open(io.BytesIO(written("png", TEXT))).text["Description"] == TEXT
    assert 'name="recipe"' in written("musicxml", TEXT).decode()
    for kind, module in (("midi", midi), ("musicxml", notation)):
        assert module.read(written(kind, TEXT)).parts == module.read(written(kind, "")).parts
        assert module.read(written(kind, TEXT)).style == "chorale"


@pytest.mark.parametrize("text", [None, 7, "", "none", f"é {FRAGMENT}", f"\n{FRAGMENT}", FRAGMENT + " " * 30_000])
def test_what_is_no_recipe_is_not_written(text):
    assert recipe.checked(text) == ""
    assert recipe.checked(TEXT) == TEXT
