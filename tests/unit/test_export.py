"""A composition as the files that a visitor takes home."""

import pytest

from musicgen.export import FORMATS
from musicgen.io.audio import default_instruments
from musicgen.io.seeds import from_text
from musicgen.session import Composition


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_says_what_it_comes_from(name):
    canvas = from_text("C5:1 D5:1 E5:2").canvas
    work = Composition(canvas.score, canvas.fixed, "gru", 7)
    data = FORMATS[name].make(work, default_instruments("chorale"))
    assert b"Nonet" in data and b"musicgen" not in data
