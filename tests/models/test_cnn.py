"""The orderless network and its sampler: what is known of what, and that drawing keeps to it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import scores
from tiny import CANVASES, canvas, chorale, small, tune
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import BAR_STEPS, FIRST_PITCH, HOLD_TOKEN, STYLE_NAMES, Batch, collate, features_of
from musicgen.models.cnn import TOGETHER, Columns
from musicgen.models.frames import nearest
from musicgen.models.gibbs import Block, Sampler, apart, blocks_of
from musicgen.models.lags import BOTH_WAYS, CASES, HIDDEN, OUTSIDE, Lagged, around
from musicgen.models.masks import CROP, by_beats, in_gaps, some_unknown, window
from musicgen.models.roll import (
    CLASSES,
    REST_CLASS,
    WINDOW_PITCHES,
    Roll,
    class_mask,
    tonics,
    window_floors,
)
from musicgen.score import HOLD, LOW, METERS, REST, STYLES, Canvas, Score


def classes_of(batch: Batch) -> Tensor:
    """(B, T, 4)"""
    return Roll.of(batch.tokens).classes(window_floors()[batch.style])


@given(st.sampled_from([("chorale", "4/4"), ("dance", "9/8")]).flatmap(lambda s: scores(*s)))
def test_the_roll_is_another_name_of_the_same_cells(score):
    batch = collate([features_of(score)])
    roll = Roll.of(batch.tokens)
    assert torch.equal(roll.tokens(), batch.tokens)
    classes = roll.classes(window_floors()[batch.style])
    legal = class_mask()[batch.style][:, None].expand(-1, score.steps, -1, -1)  # (1, T, 4, CLASSES)
    assert legal.gather(-1, classes[..., None]).all()


def test_the_nearest_known_cell_on_either_side():
    known = torch.tensor([0, 1, 0, 0, 1, 0])[None, :, None].bool()
    before, after = nearest(known)
    assert before.flatten().tolist() == [-1, 1, 1, 1, 4, 4]
    assert after.flatten().tolist() == [1, 1, 4, 4, 4, 6]


def test_a_cell_sees_what_is_known_before_and_after_it_and_nothing_else():
    model, batch = small("cnn"), collate([features_of(chorale())])
    classes = classes_of(batch)
    known = torch.rand(classes.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    known[0, 20, 1], known[0, 24, 2], known[0, 28, 1] = True, False, True
    with torch.inference_mode():
        expected = model.logits(batch, classes, known)
        others = torch.where(known, classes, (classes + 7) % CLASSES)
        assert torch.equal(model.logits(batch, others, known), expected)
        for step in (20, 28):
            changed = classes.clone()
            changed[0, step, 1] = 1 + (classes[0, step, 1] + 3) % WINDOW_PITCHES
            assert not torch.equal(model.logits(batch, changed, known)[0, 24, 2], expected[0, 24, 2])


def test_the_tonic_goes_along_with_what_is_known_and_is_that_of_the_major_scale():
    scale = torch.tensor([0, 4, 7, 9, 11, 12, 14, 16])  # C E G A B C D E, above C
    shift = torch.arange(12)[:, None]
    major = (1 + scale + shift)[..., None].expand(-1, -1, 4)  # classes (12, 8, 4), pitches that go on
    known = torch.ones(major.shape, dtype=torch.bool)
    assert tonics(major, known).tolist() == shift.flatten().tolist()
    minor = (1 + torch.tensor([9, 12, 16, 17, 11, 14]) + shift)[..., None].expand(-1, -1, 4)  # A C E F B D
    assert tonics(minor, known[:, :6]).tolist() == shift.flatten().tolist()
    assert tonics(major + WINDOW_PITCHES, known).tolist() == shift.flatten().tolist(), "also where they begin"
    hidden = torch.cat([major, major.roll(5, 0).repeat(1, 3, 1)], 1)
    seen = torch.cat([known, ~known.repeat(1, 3, 1)], 1)
    assert tonics(hidden, seen).tolist() == shift.flatten().tolist(), "what is unknown does not count"
    assert tonics(major, ~known).tolist() == [0] * 12, "nothing known"


@pytest.mark.parametrize("count", [5, 8])
def test_columns_are_counted_from_the_bar_lines_wherever_a_piece_begins(count):
    position = (torch.arange(count) + torch.tensor([[0], [1], [15]])) % 16
    step = torch.arange(1, 3 * count + 1).view(3, count, 1)
    columns = Columns(position)
    found = columns.of(step)[..., 0]  # (3, S, TOGETHER)
    assert torch.equal(columns.steps(columns.of(step)), step)
    for piece in range(3):
        for column in found[piece].tolist():
            there = [position[piece, s - 1 - piece * count].item() for s in column if s]
            assert len({p // TOGETHER for p in there}) <= 1
            assert [p % TOGETHER for p in there] == [i for i, s in enumerate(column) if s]


def lagged(score: Score, known: Tensor) -> Lagged:
    batch = collate([features_of(score)])
    return Lagged.of(classes_of(batch), known, batch.weight > 0, BAR_STEPS[batch.meter])


@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_a_cell_is_laid_beside_those_at_the_same_place_of_other_bars(meter):
    bar = METERS[meter].steps
    score = Score(np.tile(chorale(3).cells[: 3 * bar], (3, 1)), "chorale", meter)
    known = torch.rand((1, 9 * bar, 4), generator=torch.Generator().manual_seed(0)) < 0.5
    found, classes = lagged(score, known), classes_of(collate([features_of(score)]))
    for k, lag in enumerate(BOTH_WAYS):
        for step in range(score.steps):
            there = step + lag * bar
            if not 0 <= there < score.steps:
                assert (found.state[0, step, k] == OUTSIDE).all()
                continue
            assert torch.equal(found.state[0, step, k] > HIDDEN, known[0, there])
            assert torch.equal(found.classes[0, step, k], classes[0, there])


def test_agreement_tells_a_repeat_from_what_is_new():
    score = Score(np.vstack([chorale(1, seed=1).cells] * 2 + [chorale(1, seed=2).cells]))
    nearby, wide = (
        a[0, 24, BOTH_WAYS.index(-1)] for a in lagged(score, torch.ones(1, 48, 4, dtype=torch.bool)).agreement
    )
    assert (nearby >= CASES - 5).all() and (wide > 0).all()
    hidden = lagged(score, torch.arange(48)[None, :, None].expand(1, 48, 4) < 16)
    assert not any(a[..., BOTH_WAYS.index(-1), :].any() for a in hidden.agreement), "nothing to compare"


def test_cells_around_are_counted_to_the_edges():
    cells = torch.rand((2, 1, 20, 3), generator=torch.Generator().manual_seed(0)) < 0.5
    for step in range(20):
        assert torch.equal(around(cells, 3)[:, :, step], cells[:, :, max(0, step - 3) : step + 4].sum(2))


def test_once_it_has_learned_to_copy_it_says_again_what_it_said_four_bars_ago():
    model, score = small("cnn"), chorale(8)
    batch = collate([features_of(score)])
    known = torch.arange(score.steps)[None, :, None].expand(1, -1, 4) < 64
    with torch.inference_mode():
        plain = model.logits(batch, classes_of(batch), known)
        model.lookback.copy[0].view(len(STYLE_NAMES), len(BOTH_WAYS), 4, CASES)[:, BOTH_WAYS.index(-4)] = 1.0
        likeliest = model.logits(batch, classes_of(batch), known).argmax(-1)
    assert torch.equal(likeliest[:, 64:], classes_of(batch)[:, :64])
    assert not torch.equal(plain.argmax(-1)[:, 64:], classes_of(batch)[:, :64])


def test_padding_is_outside_the_piece():
    batch = collate([features_of(chorale(3)), features_of(chorale(5))])
    known = torch.rand((2, 80, 4), generator=torch.Generator().manual_seed(0)) < 0.5
    padded = Lagged.of(classes_of(batch), known, batch.weight > 0, BAR_STEPS[batch.meter])
    alone = lagged(chorale(3), known[:1, :48])
    assert torch.equal(padded.state[0, :48], alone.state[0])
    for one, other in zip(padded.agreement, alone.agreement, strict=True):
        assert torch.equal(one[0, :16], other[0, :16])


def test_cells_looked_for_alone_are_those_of_the_whole():
    model, batch = small("cnn"), collate([features_of(chorale(6))])
    known = torch.rand((1, 96, 4), generator=torch.Generator().manual_seed(0)) < 0.7
    with torch.inference_mode():
        whole = model.logits(batch, classes_of(batch), known)
        for steps in ([0], [95], [40, 41, 44], [3, 90], list(range(96))):
            part = model.logits(batch, classes_of(batch), known, torch.tensor(steps))
            torch.testing.assert_close(part, whole[:, steps], atol=1e-4, rtol=1e-4)


def test_learns_under_bfloat16():
    """What training runs in where a processor or GPU has it."""
    model, batch = small("cnn").train(), collate([features_of(chorale(2)), features_of(tune(2))])
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(batch)["loss"]
    loss.backward()
    assert loss.isfinite() and all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert model.stem.weight.grad.any() and model.lookback.pixels.grad.any()


def test_voices_that_do_not_fit_the_window_are_an_error(monkeypatch):
    wide = replace(STYLES["dance"], ranges=((33, 93),))
    monkeypatch.setitem(STYLES, "dance", wide)
    with pytest.raises(ValueError, match="the voices of a dance span 61 semitones; the CNN's window holds 48"):
        small("cnn")


def voices_at(*frames: tuple[int, ...], hidden: tuple[int, int]) -> Sampler:
    """A sampler of one bar of chords of a quarter, where one voice's is not known: (chord, voice)."""
    cells = np.full((16, 4), HOLD)
    cells[::4] = frames
    fixed = np.ones((16, 4), bool)
    fixed[4 * hidden[0] : 4 * hidden[0] + 4, hidden[1]] = False
    return sampler(None, Canvas(Score(cells), fixed))


def parallels_of(drawn: Sampler) -> list[int]:
    block = drawn.blocks[0]
    step, voice, stop = (torch.tensor([n]) for n in (block.start, block.voice, block.stop))
    return (drawn._parallels(step, voice, stop)[0].nonzero().flatten() + int(drawn.floor)).tolist()


def test_a_parallel_with_the_chord_before_or_after_is_seen():
    """Soprano a fifth over the bass, and one of them is to go where the other has gone already."""
    chords = [(67, 65, 60, 48), (69, 65, 60, 50), (69, 65, 60, 50), (69, 65, 60, 50)]
    assert parallels_of(voices_at(*chords, hidden=(1, 0))) == [45, 57, 69, 81]
    assert parallels_of(voices_at(*chords, hidden=(1, 3))) == [38, 50, 62, 74]
    back = [chords[1], chords[1], chords[0], chords[0]]
    assert parallels_of(voices_at(*back, hidden=(1, 0))) == [45, 57, 69, 81]
    assert parallels_of(voices_at(chords[0], *chords[:3], hidden=(1, 0))) == [43, 55, 67, 79], "the bass moves later"
    assert not parallels_of(voices_at(*chords[:1] * 4, hidden=(1, 0))), "the bass does not move"
    assert not parallels_of(voices_at(*chords, hidden=(1, 1))), "a third over the fifth"


COUNTED = torch.ones(300, 12, 4)
COUNTED[:, 9:] = 0  # padding


def test_as_many_cells_are_unknown_as_asked_for():
    share = torch.linspace(0, 0.999, 300)
    unknown = some_unknown(COUNTED, share, torch.rand(COUNTED.shape, generator=torch.Generator().manual_seed(0)))
    assert not unknown[:, 9:].any()
    assert torch.equal(unknown.sum((1, 2)), 36 - (share * 36).floor().long())


def test_a_gap_is_one_stretch_of_some_voices():
    torch.manual_seed(0)
    gap = in_gaps(COUNTED, 1.0)
    assert not gap[:, 9:].any() and gap.any(2).any(1).all()
    voices = gap.any(1)  # (300, 4)
    assert set(voices.sum(1).tolist()) == {1, 2, 3, 4}
    stretch = gap.any(2)
    assert torch.equal(gap, stretch[..., None] & voices[:, None])
    assert (stretch.int().diff(dim=1).abs().sum(1) <= 2).all()
    assert torch.equal(in_gaps(COUNTED, 0.0), COUNTED > 0)


def test_the_cells_of_a_beat_are_asked_for_together():
    batch = collate([features_of(chorale(2, seed=s)) for s in range(20)])
    order = torch.rand(20, 32, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(by_beats(order, batch, 0.0), order)
    together = by_beats(order, batch, 1.0)
    unknown = some_unknown(batch.counted(), torch.linspace(0, 0.9, 20), together)
    parted = unknown.unflatten(1, (8, 4)).float().mean(2) % 1 > 0  # (20, beats, voices)
    assert (parted.sum((1, 2)) <= 1).all()  # no more than the number of the known asks for
    assert together.unique().numel() == 20 * 8 * 4


def test_held_out_pieces_are_always_judged_by_the_same_draws():
    model, batch = small("cnn"), collate([features_of(chorale(8, seed=s)) for s in range(2)])
    state = torch.get_rng_state()
    with torch.inference_mode():
        one, two = (model.loss(batch)["loss"].item() for _ in range(2))
    assert one == two and torch.equal(torch.get_rng_state(), state)


def test_a_window_is_a_crop_of_each_piece():
    batch = collate([features_of(chorale(6, seed=1)), features_of(chorale(5, seed=2))])
    cut = window(batch, torch.Generator().manual_seed(0))
    assert cut.tokens.shape == (2, CROP, 4) and cut.weight.all()
    sounds, whole = Roll.of(cut.tokens).sound, Roll.of(batch.tokens).sound
    for piece in range(2):
        first = int((whole[piece].unfold(0, CROP, 1).mT == sounds[piece]).flatten(1).all(1).nonzero()[0])
        assert torch.equal(cut.to_end[piece], batch.to_end[piece, first : first + CROP])
    assert not (cut.tokens[:, 0] == HOLD_TOKEN).any()


@pytest.mark.parametrize("kind", CANVASES)
def test_blocks_are_the_free_cells_cut_at_the_beats(kind):
    whole = canvas(kind)
    beat, count = METERS[whole.score.meter].beat, np.zeros(whole.fixed.shape, int)
    for block in blocks_of(whole):
        count[block.start : block.stop, block.voice] += 1
        assert block.start // beat == (block.stop - 1) // beat
    assert np.array_equal(count, ~whole.fixed)


def test_blocks_of_a_pass_lie_apart():
    blocks = blocks_of(Canvas.blank(4))
    chosen = apart(np.random.default_rng(0).permutation(np.array(blocks, object)), 6, gap=4)
    assert len(chosen) == 6
    assert all(a.stop + 4 <= b.start or b.stop + 4 <= a.start for a, b in combinations(chosen, 2))


class Told:
    """A network that gives every cell the same chances: of the classes told, and of no others."""

    def __init__(self, chances: dict[int, float]):
        self.logits = torch.full((CLASSES,), -torch.inf)
        for index, chance in chances.items():
            self.logits[index] = np.log(chance)

    def __call__(self, batch, classes, known, steps):
        return self.logits.expand(1, len(steps), 4, CLASSES)


class Half(Told):
    """One that knows the cell before: what sounds there goes on as often as not."""

    def __call__(self, batch, classes, known, steps):
        logits = super().__call__(batch, classes, known, steps).clone()
        before = F.pad(classes * known, (0, 0, 1, 0))[:, steps]  # (1, n, 4)
        goes_on = F.one_hot(1 + (before - 1) % WINDOW_PITCHES, CLASSES) * (before > 0)[..., None]
        logits[..., 1 : 1 + WINDOW_PITCHES].masked_fill_((before > 0)[..., None], -torch.inf)
        return torch.where(goes_on > 0, np.log(0.5), logits)


def on_and_begin(pitch: int, style: str = "chorale") -> tuple[int, int]:
    """The classes of a MIDI pitch that goes on, and that begins."""
    index = 1 + pitch - int(window_floors()[STYLE_NAMES.index(style)])
    return index, index + WINDOW_PITCHES


def sampler(network, whole: Canvas, seed: int = 0) -> Sampler:
    return Sampler(network, whole, 1.0, torch.Generator().manual_seed(seed))


def redraw(drawn: Sampler, blocks: list[Block], temperature: float):
    while blocks:
        blocks = drawn.redraw(blocks, temperature)


(ON_60, BEGIN_60), (ON_64, BEGIN_64) = on_and_begin(60), on_and_begin(64)


def test_notes_of_a_block_last_as_the_network_says():
    """Two pitches, each as likely to begin as to go on: half of the cells are held."""
    network = Half({ON_60: 0.15, BEGIN_60: 0.15, ON_64: 0.35, BEGIN_64: 0.35})
    cells, sounds = [], []
    for seed in range(400):
        drawn = sampler(network, Canvas.blank(3), seed)
        redraw(drawn, drawn.blocks[:1], 1.0)
        cells.append(drawn.cells()[1:4, 0])
        sounds.append(drawn.sound[1:4, 0].numpy() + LOW - FIRST_PITCH)
    assert (np.array(cells) == HOLD).mean() == pytest.approx(0.5, abs=0.05)
    assert (np.array(sounds) == 60).mean() == pytest.approx(0.3, abs=0.08)


def test_a_note_may_go_on_from_a_cell_that_is_drawn_later():
    """Where the cell before is unknown, a pitch may go on; if that cell then sounds another, it begins after all."""
    drawn = sampler(Told({ON_64: 0.9, BEGIN_60: 0.1}), Canvas.blank(1))
    second = drawn.blocks[1]
    redraw(drawn, [second], 0)
    assert not drawn.onset[second.start, 0] and drawn.cells()[second.start, 0] == 64
    drawn.network = Told({BEGIN_60: 1.0})
    redraw(drawn, drawn.blocks[:1], 0)
    assert drawn.cells()[:5, 0].tolist() == [60, 60, 60, 60, 64] and drawn.onset[second.start, 0]


def test_revises_what_it_wrote_before(monkeypatch):
    """An untrained network begins a note nearly everywhere, which takes most of the usual passes."""
    monkeypatch.setattr("musicgen.models.gibbs.PASSES", 60)
    written, revised = np.zeros((64, 4), bool), 0
    before = canvas("continue").score.cells
    for patch in small("cnn").stream(canvas("continue"), random_seed=2):
        changed = patch.cells != before
        revised += int((changed & written).sum())
        written |= changed
        before = patch.cells
    assert revised > 0


@pytest.mark.parametrize(("style", "longest"), [("chorale", 0), ("dance", 4)])
def test_in_love_with_rests_it_takes_no_longer_than_a_breath(style, longest):
    begin = on_and_begin(70, style)[1] if style == "dance" else BEGIN_60
    network = Told({REST_CLASS: 0.99, begin: 0.01})
    for seed in range(5):
        drawn = sampler(network, Canvas.blank(4, style), seed)
        for _ in drawn.passes(1.0):
            pass
        silent = (drawn.cells() == REST)[:, : len(STYLES[style].ranges)].all(1)
        runs = "".join("r" if s else " " for s in silent).split()
        assert max(map(len, runs), default=0) == longest and not silent[0]


def test_where_a_given_voice_rests_the_others_may():
    cells = chorale(2).cells.copy()
    cells[:, 0] = REST
    drawn = sampler(Told({REST_CLASS: 0.9, BEGIN_60: 0.1}), Canvas.keep_voices(Score(cells), [0]))
    for _ in drawn.passes(0):
        pass
    assert (drawn.cells() == REST).all()
