"""The piano roll as a picture: what is drawn can be found again in its pixels."""

import io
import threading

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from musicgen.io import picture
from musicgen.score import METERS, STYLES, Note, Score, from_notes


def score_of(notes, bars=4, style="chorale", meter="4/4"):
    return Score(from_notes(notes, bars * METERS[meter].steps), style, meter)


def pixels(png: bytes) -> np.ndarray:
    return imread(io.BytesIO(png))[:, :, :3]


def count(image: np.ndarray, colour: str) -> int:
    return int((np.abs(image - to_rgb(colour)).max(axis=2) < 0.02).sum())


CHORD = [Note(0, 72, 0, 16), Note(1, 67, 0, 16), Note(2, 60, 0, 16), Note(3, 48, 0, 16)]


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("style", STYLES)
def test_every_style_and_meter_makes_a_picture(style, meter):
    image = pixels(picture.piano_roll(score_of([Note(0, 69, 0, 4)], 2, style, meter), title="a title"))
    assert image.shape[0] > 300 and image.shape[1] > 800
    assert count(image, picture.COLOURS[0]) > 100


def test_each_voice_has_its_colour_and_its_pattern():
    image = pixels(picture.piano_roll(score_of(CHORD)))
    assert all(count(image, colour) > 300 for colour in picture.COLOURS)
    assert len(set(picture.HATCHES)) == 4


def test_every_voice_stands_out_from_the_paper_and_from_the_seed():
    def luminance(colour) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    tint = [0.75 * seed + 0.25 * paper for seed, paper in zip(to_rgb(picture.SEED_GROUND), to_rgb(picture.PAPER))]
    for ground in (picture.PAPER, tint):
        for colour in picture.COLOURS:
            assert (luminance(ground) + 0.05) / (luminance(colour) + 0.05) >= 3, (ground, colour)  # as WCAG asks


def test_one_voice_shows_no_other():
    image = pixels(picture.piano_roll(score_of([Note(0, 74, 0, 16)], style="dance")))
    assert count(image, picture.COLOURS[0]) > 300
    assert not any(count(image, colour) for colour in picture.COLOURS[1:])


def test_the_seed_is_marked_off():
    score = score_of(CHORD)
    without, given = pixels(picture.piano_roll(score)), pixels(picture.piano_roll(score, 16))
    assert count(given, picture.SEAM) > 50 and not count(without, picture.SEAM)


def test_which_cells_were_given_may_be_told_one_by_one():
    score = score_of(CHORD)
    fixed = np.zeros((score.steps, 4), bool)
    fixed[:16, 0] = True
    only_soprano = picture.piano_roll(score, fixed)
    fixed[:16] = True
    assert only_soprano != picture.piano_roll(score, fixed)


def test_a_long_piece_goes_on_in_systems_of_whole_bars():
    score = score_of([Note(0, 72, 500, 8)], bars=32)
    spans = list(picture.systems(score))
    assert spans[0][0] == 0 and spans[-1][1] >= score.steps and len(spans) > 1
    assert all(start % 16 == 0 and stop - start <= picture.STEPS_A_SYSTEM for start, stop in spans)
    short = pixels(picture.piano_roll(score_of(CHORD)))
    assert pixels(picture.piano_roll(score)).shape[0] > 2 * short.shape[0]


def test_an_empty_score_has_an_empty_roll():
    assert not count(pixels(picture.piano_roll(score_of([]), 0)), picture.SEAM)


def test_pieces_are_stacked_on_one_axis_and_what_is_missing_is_told():
    score = score_of(CHORD)
    fixed = np.zeros((score.steps, 4), bool)
    fixed[:16] = True
    one, three = picture.Row("one", score, fixed), picture.Row("three", score, fixed)
    rows = [one, picture.Row("two", None, fixed, "cost $1 and $2"), three]
    image = pixels(picture.stack(rows, "a title"))
    marks = (np.abs(image - to_rgb(picture.COLOURS[0])).max(axis=2) < 0.02).any(axis=1)  # (height,)
    third = len(image) // 3
    assert marks[:third].any() and not marks[third:-third].any() and marks[-third:].any()
    heights, widths = zip(*(pixels(picture.stack(rows[:n])).shape[:2] for n in (1, 3)), strict=True)
    assert heights[1] > 2 * heights[0] and widths[0] == widths[1]
    long = score_of(CHORD, bars=24)
    assert pixels(picture.stack([picture.Row("long", long, fixed.repeat(6, 0))])).shape[1] == 2 * widths[0]


def test_pitch_names():
    assert [picture.pitch_name(p) for p in (60, 61, 69, 35)] == ["C4", "C#4", "A4", "B1"]


def test_pictures_drawn_at_once_do_not_mix():
    scores = [score_of([Note(0, 60 + i, 4 * i, 4)]) for i in range(4)]
    alone = [picture.piano_roll(score) for score in scores]
    together = [b""] * 4
    threads = [
        threading.Thread(target=lambda i=i: together.__setitem__(i, picture.piano_roll(scores[i]))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
