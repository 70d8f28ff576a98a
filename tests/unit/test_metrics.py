"""Figures of music whose figures are known by reasoning, and what holds for any music."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.score import HOLD, REST, STYLES, Canvas, Note, Score, from_notes
from train.evaluation import metrics
from train.evaluation.originality import Originality
from train.evaluation.voice_leading import ends_on_triad, voice_leading

C_MAJOR = (72, 67, 64, 48)  # soprano to bass
unhurried = settings(deadline=None, max_examples=40)


def chords(*pitches: tuple[int, ...], steps: int = 4, bars: int | None = None) -> Score:
    """One chord after another, `steps` each, then rests up to whole bars."""
    notes = [Note(v, p, i * steps, steps) for i, chord in enumerate(pitches) for v, p in enumerate(chord) if p > 0]
    return Score(from_notes(notes, 16 * (bars or -(-len(pitches) * steps // 16))))


def tune(pairs: list[tuple[int, int]], style: str = "dance") -> Score:
    """(pitch, duration) one after another; the last note fills its bar."""
    notes, start = [], 0
    for pitch, duration in pairs:
        notes.append(Note(0, pitch, start, duration))
        start += duration
    end = -(-start // 16) * 16
    notes[-1] = Note(0, notes[-1].pitch, notes[-1].start, end - notes[-1].start)
    return Score(from_notes(notes, end), style)


@st.composite
def scores(draw, bars: int = 2) -> Score:
    cells = np.full((bars * 16, 4), REST)
    for voice, (low, high) in enumerate(STYLES["chorale"].ranges):
        line = draw(st.lists(st.integers(low - 6, high), min_size=8, max_size=8))  # too low a pitch is a hold or a rest
        for step, cell in enumerate(line * 2 * bars):
            cell = cell if cell >= low else HOLD if cell >= low - 4 else REST
            silent = step == 0 or cells[step - 1, voice] == REST
            cells[step, voice] = REST if cell == HOLD and silent else cell
    return Score(cells)


def test_entropy_counts_notes_not_time():
    assert metrics.pitch_class_entropy(tune([(60, 12), (72, 2), (62, 1), (62, 1)])) == pytest.approx(1.0)
    assert metrics.pitch_class_entropy(tune([(60 + i, 1) for i in range(12)])) == pytest.approx(np.log2(12))
    assert metrics.pitch_class_entropy(Canvas.blank(2).score) == 0


def test_scale_consistency_finds_the_scale():
    d_major = [62, 64, 66, 67, 69, 71, 73]
    assert metrics.scale_consistency(tune([(p, 2) for p in d_major])) == 1
    assert metrics.scale_consistency(tune([(p, 2) for p in [*d_major, 65]])) == pytest.approx(7 / 8)


def test_polyphony_counts_a_unison_once_and_no_silence():
    assert metrics.polyphony(chords(C_MAJOR)) == 4
    assert metrics.polyphony(chords((72, 60, 60, 48), (72, 0, 0, 0))) == pytest.approx((3 + 1) / 2)


def test_groove_compares_a_bar_with_the_next():
    same, other = [(60, 4), (62, 4), (64, 8)], [(60, 4), (62, 2), (64, 10)]
    assert metrics.groove_consistency(tune(same + same)) == 1
    assert metrics.groove_consistency(tune(same + other)) == pytest.approx(1 - 2 / 16)
    assert metrics.groove_consistency(tune(same + other + other)) == pytest.approx(1 - 1 / 16)


def test_durations_and_intervals_are_those_of_the_notes():
    score = tune([(60, 4), (67, 4), (67, 2), (60, 6)])
    assert metrics.note_duration(score) == pytest.approx(1.0)
    assert metrics.melodic_interval(score) == pytest.approx((7 + 0 + 7) / 3)


def test_a_dance_has_no_polyphony():
    assert "polyphony" in metrics.features(chords(C_MAJOR))
    assert set(metrics.FEATURES) - set(metrics.features(tune([(60, 4)]))) == {"polyphony"}


def test_a_clip_begins_with_the_note_it_cuts():
    score = tune([(60, 20), (62, 12)])
    cut = metrics.clip(score, 1, 1)
    assert cut.cells[0, 0] == 60 and cut.cells[4, 0] == 62 and cut.steps == 16


def test_overlap_of_the_same_of_none_and_of_half():
    values = [1.0, 2.0, 2.5, 4.0]
    assert metrics.overlap(values, values) == pytest.approx(1)
    assert metrics.overlap([1.0] * 5, [1.0] * 9) == pytest.approx(1)
    assert metrics.overlap([0.0, 0.1], [50.0, 50.1]) == pytest.approx(0, abs=1e-6)
    assert metrics.overlap([0.0] * 10, [0.0] * 5 + [9.0] * 5) == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(ValueError, match="at least one"):
        metrics.overlap([], values)


def test_overlap_of_two_normal_densities_is_the_textbooks():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 4000), rng.normal(1, 1, 4000)
    assert metrics.overlap(a, b) == pytest.approx(0.617, abs=0.03)  # 2 x Phi(-1/2)
    assert metrics.divergence(a, b) == pytest.approx(0.5, abs=0.06)  # 1/2 of the squared distance


def test_a_set_further_off_overlaps_less_and_diverges_more():
    near, far = [[i / 10 + shift for i in range(20)] for shift in (0.3, 1.2)]
    values = [i / 10 for i in range(20)]
    assert metrics.overlap(values, far) < metrics.overlap(values, near) < 1
    assert metrics.divergence(values, far) > metrics.divergence(values, near) > 0


def test_compare_of_a_set_with_itself():
    ones = [chords(C_MAJOR, (74, 67, 65, 47)), chords(C_MAJOR, (71, 67, 62, 43), C_MAJOR)]
    ones = [metrics.features(score) for score in ones]
    found = metrics.compare(ones, ones)
    assert found["mean"] == pytest.approx({"overlap": 1, "divergence": 0})
    assert found["polyphony"]["value"] == found["polyphony"]["reference"] == 4


def test_defects_of_a_piece_that_has_them_all():
    bar = [(60, 8), (62, 8)]
    assert metrics.defects(tune([*bar, (64, 16), *bar, *bar])) == {
        "empty_bars": 0,
        "stuck_notes": 0,
        "repeated_bars": pytest.approx(1 / 3),
        "returning_bars": pytest.approx(2 / 3),
        "silent_voices": 0,
    }
    assert metrics.defects(tune([(60, 32), (62, 33)]))["stuck_notes"] == 1
    silent = metrics.defects(chords((72, 0, 64, 48), bars=2))
    assert silent["empty_bars"] == 1 and silent["silent_voices"] == pytest.approx(5 / 8)


def test_a_scale_is_known_from_a_few_notes():
    scale = metrics.scale_of(tune([(p, 2) for p in (62, 64, 66, 67, 69, 71, 73, 74)]))
    assert set(scale.tolist()) == {p % 12 for p in (62, 64, 66, 67, 69, 71, 73)}
    assert metrics.in_scale(tune([(62, 4), (60, 4), (66, 4), (67, 4)]), scale) == 0.75


def test_differing_counts_only_voices_in_use():
    a, b = tune([(60, 8), (62, 8)]), tune([(60, 8), (64, 4), (62, 4)])
    assert metrics.differing(a, b) == 4 / 16
    with pytest.raises(ValueError, match="cannot compare"):
        metrics.differing(a, chords(C_MAJOR))


@pytest.mark.parametrize(
    ("after", "fifths", "octaves"),
    [
        ((72, 67, 64, 48), 0, 0),  # nothing moves
        ((74, 69, 65, 50), 1, 1),  # C-G-C to D-A-D over the bass
        ((72, 69, 65, 50), 1, 0),  # alto and bass
        ((74, 67, 65, 47), 0, 0),  # contrary motion
        ((60, 67, 64, 36), 0, 1),  # an octave, though each voice leaps one
    ],
)
def test_parallels_by_hand(after, fifths, octaves):
    found = voice_leading([chords(C_MAJOR, after, steps=8)])
    changes = 1 if after != C_MAJOR else 0
    assert found["parallel_fifths"] == (100 * fifths if changes else 0)
    assert found["parallel_octaves"] == (100 * octaves if changes else 0)


def test_a_parallel_needs_both_voices_to_move_at_once():
    one = [Note(0, 67, 0, 4), Note(0, 69, 4, 12), Note(3, 60, 0, 8), Note(3, 62, 8, 8)]
    assert voice_leading([Score(from_notes(one, 16))])["parallel_fifths"] == 0
    again = [Note(0, 67, 0, 4), Note(0, 69, 8, 8), Note(3, 60, 0, 4), Note(3, 62, 8, 8)]  # a rest between
    assert voice_leading([Score(from_notes(again, 16))])["parallel_fifths"] == 0


def test_rates_are_over_all_scores_together():
    parallel = chords(C_MAJOR, (74, 69, 65, 50), steps=8)  # 1 chord change
    clean = chords(*[C_MAJOR, (74, 67, 65, 47)] * 2)  # 3 chord changes
    assert voice_leading([parallel, clean])["parallel_fifths"] == pytest.approx(100 / 4)


def test_crossing_spacing_and_range_by_hand():
    found = voice_leading([chords((72, 67, 64, 48), (72, 74, 64, 48), (76, 60, 57, 45), (76, 60, 57, 45))])
    assert found["crossings"] == pytest.approx(100 / 12)  # alto over soprano in one of 4 quarters of 3 pairs
    assert found["wide_spacing"] == pytest.approx(50)  # 16 semitones in the last two
    assert [found[f"range_{v}"] for v in ("soprano", "alto", "tenor", "bass")] == [4, 14, 7, 3]
    assert set(voice_leading([]).values()) == {0}


@pytest.mark.parametrize(
    ("last", "good"),
    [
        ((72, 67, 64, 48), True),
        ((72, 67, 63, 48), True),
        ((72, 60, 64, 48), True),  # no fifth
        ((72, 67, 60, 48), False),  # no third
        ((72, 67, 60, 52), False),  # on its third
        ((72, 67, 64, 46), False),  # a seventh
        ((0, 67, 64, 48), False),  # a voice silent
    ],
)
def test_endings_by_hand(last, good):
    assert ends_on_triad(chords((74, 65, 59, 43), last, steps=8)) is good


def test_an_ending_is_held():
    assert ends_on_triad(chords((74, 65, 59, 43), (74, 65, 59, 43), (74, 65, 59, 43), C_MAJOR))
    assert not ends_on_triad(chords(*[(74, 65, 59, 43)] * 7, C_MAJOR, steps=2))
    assert not ends_on_triad(chords(*[C_MAJOR] * 8, steps=2))
    assert not ends_on_triad(Score(np.zeros((0, 4))))


MELODY = [(60, 2), (62, 2), (64, 4), (65, 2), (64, 6), (67, 4), (69, 4), (60, 8)]


def test_a_copied_run_is_found_in_another_key():
    index = Originality([("scale", tune([(60 + i, 1) for i in range(16)])), ("song", tune(MELODY))])
    copied = [(p + 5, d) for p, d in MELODY[1:6]]
    run = index.longest(tune([(70, 4), (60, 4), *copied, (60, 3)]))
    assert (run.name, run.pairs, run.notes, run.start) == ("song", 4, 5, 8)
    assert run.bars == pytest.approx((2 + 4 + 2 + 6) / 16)


def test_a_run_needs_the_same_rhythm_and_stays_in_one_piece():
    index = Originality([("a", tune(MELODY[:4])), ("b", tune(MELODY[4:]))])
    assert index.longest(tune([(p, 3) for p, _ in MELODY])).pairs == 0
    assert index.longest(tune(MELODY)).pairs == 3
    assert index.longest(tune(MELODY)).name == "a"


def test_nothing_shares_nothing():
    index = Originality([("song", tune(MELODY))])
    assert index.longest(Canvas.blank(2, "dance").score).notes == 0
    assert Originality([]).longest(tune(MELODY)).name == ""


def bars(letters: str, meter: str = "4/4") -> Score:
    """A bar a letter: the same letter the same bar; capitals have the rhythm of small ones, other pitches."""
    notes = []
    for i, letter in enumerate(letters):
        pitch, size = 60 + ord(letter.lower()) - ord("a") + 12 * letter.isupper(), {"4/4": 16, "6/8": 12}[meter]
        split = 1 + ord(letter.lower()) - ord("a")  # every letter has a rhythm of its own
        notes += [Note(0, pitch, i * size, split), Note(0, pitch + 2, i * size + split, size - split)]
    return Score(from_notes(notes, len(letters) * size), "dance", meter)


@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_form_is_counted_among_the_bars_that_have_one_so_far_back(meter):
    found = metrics.form([bars("abcdabcdabCe", meter)], first=2)
    assert found == pytest.approx({
        "equal_any": 6 / 10,
        "equal_1": 0,
        "equal_2": 0,
        "equal_4": 6 / 8,
        "equal_8": 2 / 4,
        "rhythm_4": 7 / 8,
    })  # fmt: skip
    assert metrics.form([bars("aabb")], 2) == pytest.approx({"equal_1": 1 / 2, "equal_2": 0, "equal_any": 1 / 2})
    assert metrics.form([], 2) == {}


def test_form_weighs_every_bar_alike_and_needs_whole_bars_to_agree():
    both = metrics.form([bars("aaa"), bars("abcde")], 2)
    assert both["equal_any"] == both["equal_1"] == 1 / 4
    changed = bars("aaa").cells.copy()
    changed[-1, 0] = REST
    assert metrics.form([bars("aaa").replace(cells=changed)], 2)["equal_any"] == 0


@unhurried
@given(scores())
def test_features_stay_in_their_bounds(score):
    f = metrics.features(score)
    assert 0 <= f["pitch_class_entropy"] <= np.log2(12) + 1e-9
    assert 0 <= f["scale_consistency"] <= 1
    assert 0 <= f["polyphony"] <= 4
    assert 0 <= f["groove_consistency"] <= 1
    notes = score.notes()
    assert f["note_duration"] == pytest.approx(np.mean([n.duration for n in notes]) / 4 if notes else 0)
    assert all(share >= 0 for share in metrics.defects(score).values())
    assert metrics.defects(score)["silent_voices"] <= 1


@unhurried
@given(scores(), st.integers(-5, 5))
def test_transposition_changes_no_relative_figure(score, by):
    cells = np.where(score.cells >= 0, np.clip(score.cells, [62, 57, 50, 40], [76, 71, 66, 61]), score.cells)
    plain, moved = score.replace(cells=cells), score.replace(cells=np.where(cells >= 0, cells + by, cells))
    assert metrics.features(moved) == pytest.approx(metrics.features(plain))
    assert metrics.defects(moved) == metrics.defects(plain)
    assert voice_leading([moved]) == voice_leading([plain])
    whole = Originality([("plain", plain)]).longest(moved)
    assert whole.pairs == max(0, sum(n.voice == 0 for n in plain.notes()) - 1)


@unhurried
@given(scores(), scores())
def test_the_longest_run_is_the_one_that_trying_all_finds(a, b):
    def pairs(score):
        line = [n for n in score.notes() if n.voice == 0]
        return [(y.pitch - x.pitch, x.duration) for x, y in pairwise(line)]

    x, y = pairs(a), pairs(b)
    shared = {tuple(x[i:j]) for i in range(len(x)) for j in range(i, len(x) + 1)}
    shared &= {tuple(y[i:j]) for i in range(len(y)) for j in range(i, len(y) + 1)}
    best = max(map(len, shared), default=0)
    assert Originality([("b", b)]).longest(a).pairs == best


@unhurried
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.lists(st.floats(-10, 10), min_size=1, max_size=12))
def test_overlap_is_a_symmetric_share(a, b):
    shared = metrics.overlap(a, b)
    assert -1e-9 <= shared <= 1 + 1e-9
    assert shared == pytest.approx(metrics.overlap(b, a))
    assert metrics.overlap(a, a) == pytest.approx(1)
    assert metrics.divergence(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.divergence(a, b) >= 0
