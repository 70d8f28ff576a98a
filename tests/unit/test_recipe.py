"""A recipe in every kind of file that can carry text, found again; what is none, refused."""

import io
import zipfile

import mido
import pytest
from PIL import Image

from musicgen import recipe
from musicgen.export import FORMATS
from musicgen.io import midi, notation
from musicgen.score import Note, Score, from_notes
from musicgen.session import Composition

FRAGMENT = "#piece=1" + "aZ09_-" * 50
TEXT = f"Nonet recipe: model gru, random seed 3. Add to the address: {FRAGMENT}"
SCORE = Score(from_notes([Note(0, 72, 0, 16), Note(3, 48, 0, 16)], 16))


def written(kind: str, text: str) -> bytes:
    work = Composition(SCORE, SCORE.cells > 1, "gru", 3, text)
    return FORMATS[kind].make(work, ["piano"] * 4)


@pytest.mark.parametrize("kind", ["midi", "musicxml", "png"])
def test_a_file_carries_its_recipe_and_only_if_there_is_one(kind):
    assert recipe.find(written(kind, TEXT)) == FRAGMENT
    assert recipe.find(written(kind, "")) == ""


def test_a_packed_score_carries_it_too_and_a_broken_archive_none():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.musicxml", written("musicxml", TEXT))
    packed = data.getvalue()
    assert FRAGMENT.encode() not in packed and recipe.find(packed) == FRAGMENT
    assert recipe.find(packed[: len(packed) // 2]) == ""


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
