"""The encoder and decoder: what is given is seen wherever it stands, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import chorale, small, tune

from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, collate, features_of
from musicgen.models.frames import histories, sounding_tokens
from musicgen.models.seq2seq import backwards, draw_fixed
from musicgen.sampling import SamplingConfig
from musicgen.score import Canvas, sounding

BATCH = collate([features_of(chorale(seed=s)) for s in range(3)])
SOPRANO = torch.tensor([True, False, False, False]).expand(BATCH.tokens.shape)


def logits(batch, fixed):
    model = small("seq2seq")
    with torch.inference_mode():
        return model.logits(batch, state=model.first_state(batch, fixed))


def changed(voice: int, step: int):
    """The batch with another pitch in one cell."""
    item = features_of(chorale(seed=0))
    item["tokens"] = item["tokens"].copy()
    item["tokens"][step, voice] = 40
    return collate([item, *(features_of(chorale(seed=s)) for s in (1, 2))])


def test_a_given_cell_is_known_from_the_first_frame_on():
    before, after = logits(BATCH, SOPRANO), logits(changed(0, 50), SOPRANO)
    assert not torch.allclose(before[0, 0, 1:], after[0, 0, 1:])
    assert torch.equal(before[1:], after[1:])  # but only in its own piece


def test_the_voice_head_is_told_what_is_given_next_and_when():
    model, soprano = small("seq2seq"), BATCH.tokens[0, :, 0]
    with torch.inference_mode():
        state = model.first_state(BATCH, SOPRANO)
        history = histories(BATCH.tokens, BATCH.meter).each(lambda x: x[:, :-1])
        hidden, _ = model.hidden(history, BATCH, state)
        memory, ahead = state.timed
        deaf = model.logits(BATCH, state=replace(state, timed=(memory, torch.zeros_like(ahead))))
        assert not torch.allclose(model.logits(BATCH, state=state), deaf)
    coming, wait = hidden[0, 7, -8].item(), int(hidden[0, 7, -4])
    assert soprano[7 + wait] == coming and (soprano[8 : 7 + wait] < FIRST_PITCH).all()
    assert (hidden[0, :, -7:-4] == REST_TOKEN).all()  # no other voice is given


def test_a_free_cell_is_not_known_before_its_time():
    before, after = logits(BATCH, SOPRANO), logits(changed(2, 50), SOPRANO)
    assert torch.equal(before[0, :50], after[0, :50])
    assert not torch.equal(before[0, 51:], after[0, 51:])


def test_what_it_learns_is_only_of_free_cells():
    model, fixed = small("seq2seq"), SOPRANO.clone()
    fixed[:, :32] = True
    with torch.inference_mode():
        nll = model.cell_nll(BATCH, torch.tensor([0, 2, 3, 1]) - 4 * fixed, model.first_state(BATCH, fixed))
        found = model.free_nll(BATCH, fixed)
        assert model.free_nll(BATCH, torch.ones_like(fixed)) == 0
    assert found.item() == pytest.approx(nll[:, 32:, 1:].mean().item(), abs=1e-5)


def test_padding_changes_nothing():
    long, short = features_of(chorale(4)), features_of(chorale(2))
    model, fixed = small("seq2seq"), torch.zeros(2, 64, 4, dtype=torch.bool)
    fixed[:, :, 0] = True
    with torch.inference_mode():
        alone = model.cell_nll(collate([short]), state=model.first_state(collate([short]), fixed[:1, :32]))
        both = collate([long, short])
        together = model.cell_nll(both, state=model.first_state(both, fixed))[1:, :32]
    assert torch.allclose(alone, together, atol=1e-4)


def test_backwards_is_from_each_pieces_own_end():
    x = torch.arange(12.0).view(2, 6, 1)
    weight = torch.tensor([[1.0] * 6, [1.0] * 4 + [0.0] * 2])
    turned = backwards(x, weight)
    assert turned[0, :, 0].tolist() == [5, 4, 3, 2, 1, 0] and turned[1, :4, 0].tolist() == [9, 8, 7, 6]
    assert torch.equal(backwards(turned, weight), x)


def test_what_sounds_is_what_the_score_says():
    batch = BATCH.tokens
    found = sounding_tokens(batch)
    assert not (found == HOLD_TOKEN).any()
    score = chorale(seed=1)
    assert np.array_equal(found[1].numpy() == REST_TOKEN, sounding(score.cells) == -1)


def test_canvases_of_all_kinds_are_drawn_and_none_is_full():
    torch.manual_seed(0)
    seen = [draw_fixed(BATCH, 0.5) for _ in range(60)]
    fixed = torch.cat(seen)  # (180, T, 4)
    assert not fixed.all(2).all(1).any()
    assert (~fixed).all(2).all(1).any()  # nothing given
    assert (fixed.all(1).any(1) & ~fixed.all(2).any(1)).any()  # voices given all along
    assert (fixed[:, 0].all(1) & ~fixed[:, -1].any(1)).any()  # to be continued
    assert (fixed[:, 0].all(1) & fixed[:, -1].all(1)).any()  # to be repaired
    dances = collate([features_of(tune(seed=s)) for s in range(3)])
    assert not any(draw_fixed(dances, 1.0)[..., 0].all(1).any() for _ in range(20))


def test_it_reads_to_the_end_before_it_writes():
    """At temperature 0, another last bar of the given soprano changes the first bar of the other voices."""
    model, score = small("seq2seq"), chorale()
    cells = score.cells.copy()
    cells[-16:, 0] = np.where(cells[-16:, 0] >= 0, 81, cells[-16:, 0])
    canvases = [Canvas.keep_voices(s, [0]) for s in (score, score.replace(cells=cells))]
    one, two = (model.compose(c, SamplingConfig(temperature=0)) for c in canvases)
    assert not np.array_equal(one.cells[:16, 1:], two.cells[:16, 1:])
