"""Links: written here and read by the page's script, written by that and read here; broken ones are refused."""

import base64
import json
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
import tiny

from musicgen import link, piece, recipe
from musicgen.request import Request
from musicgen.score import ScoreError
from musicgen.session import Composition

SCRIPTS = Path(__file__).parents[2] / "musicgen" / "web" / "js"
FIRST = np.zeros((64, 4), bool)
FIRST[:16] = True


def works() -> list[Composition]:
    chorale, tune = tiny.chorale(4, seed=1), tiny.tune(4, seed=2)
    return [Composition(chorale, FIRST, "gru", 7), Composition(tune, FIRST[: tune.steps], "cnn", 2**31 - 1)]


def scripted(code: str, *given) -> list:
    """What the page's script makes of it."""
    if not shutil.which("node"):
        pytest.skip("there is no node here")
    whole = f'import {{decode, encode}} from "{SCRIPTS.as_uri()}/link.js";\nconst given = {json.dumps(given)};\n{code}'
    done = subprocess.run(["node", "--input-type=module", "-"], input=whole, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_written_here_is_read_on_the_page():
    fragments = [link.write(work, Request(notes="C5 D5", temperature=0.5)) for work in works()]
    pieces = scripted("console.log(JSON.stringify(await Promise.all(given.map(decode))))", *fragments)
    for work, found in zip(works(), pieces):
        held = piece.write(work.score, work.fixed)
        assert [note[:4] for note in found["notes"]] == held["notes"]
        assert sorted(found["fixed"]) == sorted(held["fixed"])
        assert {name: found[name] for name in ("style", "meter", "tempo", "steps")} == {
            name: held[name] for name in ("style", "meter", "tempo", "steps")
        }
        assert (found["model"], found["seed"], found["text"], found["temperature"]) == (
            work.model, work.random_seed, "C5 D5", 0.5,
        )  # fmt: skip
        assert found["weights"] and len(found["instruments"]) == 4


def test_what_the_page_writes_is_read_here():
    given = [
        {**piece.write(w.score, w.fixed), "voices": 4 if w.score.style == "chorale" else 1, "model": w.model, "seed": 5}
        for w in works()
    ]
    for work, fragment in zip(
        works(), scripted("console.log(JSON.stringify(await Promise.all(given.map(encode))))", *given)
    ):
        found = link.read(f"https://nonet.example/#{fragment}")
        assert (found.score, found.model, found.random_seed) == (work.score, work.model, 5)
        used = 4 if work.score.style == "chorale" else 1
        assert (found.fixed[:, :used] == work.fixed[:, :used]).all()


def test_a_link_stays_short_and_is_one_that_files_carry():
    work = works()[0]
    long = Request(notes=" ".join(f"C{4 + number % 2}:0.{25 * (1 + number % 3)}" for number in range(400)))
    for asked in (None, Request(notes="C5"), long):
        fragment = link.write(work, asked)
        assert len(fragment) <= link.LONGEST_LINK and recipe.fragment(fragment) == fragment


def packed(about: dict, cells: bytes, more: bytes = b"") -> str:
    text = json.dumps(about).encode()
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(len(text).to_bytes(2) + text + cells + more) + compressor.flush()
    return f"#piece=1{base64.urlsafe_b64encode(data).decode().rstrip('=')}"


GOOD = {"steps": 16, "voices": 1, "style": "dance", "meter": "4/4", "tempo": 90}


@pytest.mark.parametrize(
    "fragment",
    {
        "none": "hello", "cut": link.write(works()[0])[:-9], "empty": "#piece=1", "letters": "#piece=1" + "A" * 64,
        "a bomb": packed(GOOD, bytes(16), bytes(10**7)), "too few cells": packed(GOOD, bytes(15)),
        "a style": packed({**GOOD, "style": "polka"}, bytes(16)), "no text": packed([1], bytes(16)),  # type: ignore
        "steps": packed({**GOOD, "steps": 1.5}, bytes(16)), "tempo": packed({**GOOD, "tempo": "x"}, bytes(16)),
        "voices": packed({**GOOD, "voices": 4}, bytes(64)), "a pitch": packed(GOOD, bytes([5] + [1] * 15)),
    }.values(),
    ids=str,
)  # fmt: skip
def test_a_broken_link_is_refused(fragment):
    with pytest.raises(ScoreError):
        link.read(fragment)


def test_a_stranger_s_model_and_seed_are_told_from_ours():
    found = link.read(packed({**GOOD, "model": "../../x", "seed": 10**30}, bytes([72] + [1] * 15)))
    assert (found.model, found.random_seed) == ("unknown", 0)
