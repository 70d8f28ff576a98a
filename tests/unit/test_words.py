"""Notes as text: what the page shows of a piece, typed into the seed, gives the same notes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import scores

from musicgen.io.seeds import MAX_TEXT, SeedError, from_text
from musicgen.score import METERS, STYLES, Score

ROOT = Path(__file__).parents[2]
SHOW = """
import {readFileSync} from "node:fs";
import {barsInWords} from "./musicgen/web/js/words.js";
const shown = ({piece, notes}) => barsInWords(piece, notes)
  .map(({lines}) => lines.map(({voice, words}) => `${voice}: ${words}`).join("\\n")).join("\\n");
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(shown)));
"""
node = pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")


def shown(many: list[Score]) -> list[str]:
    """The text that the page shows of each score, every other note of it given."""

    def sent(score: Score) -> dict:
        names = ("voice", "pitch", "start", "duration")
        notes = [{name: getattr(n, name) for name in names} | {"given": i % 2} for i, n in enumerate(score.notes())]
        voices = list(STYLES[score.style].voices)
        piece = {"steps": score.steps, "bar": METERS[score.meter].steps, "upbeat": score.upbeat, "voices": voices}
        return {"piece": piece, "notes": notes}

    asked = json.dumps([sent(score) for score in many])
    command = ["node", "--input-type=module", "-e", SHOW]
    done = subprocess.run(command, input=asked, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


kinds = st.tuples(st.sampled_from(list(STYLES)), st.sampled_from(list(METERS)))


@node
@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.lists(kinds.flatmap(lambda kind: scores(*kind)), min_size=10, max_size=20))
def test_what_is_shown_can_be_typed(many):
    many = [score for score in many if score.notes()]
    for score, text in zip(many, shown(many), strict=True):
        seed = from_text(text, score.style, score.meter, score.tempo)
        assert (seed.canvas.score.cells == score.cells).all() and not seed.message
        assert seed.canvas.fixed[:, score.heard].all()


@node
def test_the_longest_text_can_be_typed():
    import numpy as np

    cells = np.tile([[70, 58, 56, 46]], (32 * METERS["9/8"].steps, 1))
    (text,) = shown([Score(cells, "chorale", "9/8")])
    seed = from_text(text, "chorale", "9/8")
    assert len(text) < MAX_TEXT and (seed.canvas.score.cells == cells).all()


def test_a_voice_is_named_and_begins_with_the_piece():
    seed = from_text("soprano: C5 D5 | Bass: R:1 C3 (held) alto: E4:2 Soprano: E5")
    notes = [(n.voice, n.pitch, n.start, n.duration) for n in seed.canvas.score.notes()]
    assert notes == [(0, 72, 0, 4), (1, 64, 0, 8), (0, 74, 4, 4), (3, 48, 4, 4), (0, 76, 8, 4)]
    assert seed.canvas.fixed.sum(axis=0).tolist() == [12, 8, 0, 8]


def test_of_a_chorale_a_dance_keeps_its_voice_and_says_so():
    seed = from_text("Soprano: C5 D5 Alto: A4 B4", "dance")
    assert [n.pitch for n in seed.canvas.score.notes()] == [72, 74]
    assert seed.message == "Only the top voice was kept, since a dance has one voice."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C5 Alto: D5", "write Soprano: before the first one"),
        ("Alto: [C4 E4]", "without brackets"),
        ("Alto:", "there is no note"),
        ("Alto:C4", "Alto:C4"),
        ("Horn: C4", "Horn:"),
    ],
)
def test_what_is_wrong_with_a_named_voice_is_said(text, words):
    with pytest.raises(SeedError, match=words.replace("[", "\\[")):
        from_text(text)
