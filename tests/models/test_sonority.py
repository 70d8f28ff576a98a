"""Chords by hand, and what a head that knows them makes of them."""

from itertools import product

import pytest
import torch
from tiny import small

from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, Batch, collate, features_of
from musicgen.models.frames import TOKENS, histories, place
from musicgen.models.head import DRAWN_PROGRESSION, UNKNOWN, Choice
from musicgen.models.sonority import (
    AS_BASS,
    CHORD_SETS,
    CHORDS,
    OVER_BASS,
    OVER_ITSELF,
    PITCH_CLASSES,
    SMALL_SETS,
    UNKNOWNS,
    Others,
)
from musicgen.score import HOLD, LOW, Score

SOPRANO, TENOR, BASS = 0, 2, 3


def token(pitch: int) -> int:
    """Of a MIDI pitch."""
    return pitch - LOW + FIRST_PITCH


def heard(voice: int, *pitches: int | None) -> Others:
    """By one voice, the others' MIDI pitches, None where one is not known yet."""
    now = torch.tensor([[[REST_TOKEN if p is None else token(p) for p in pitches]]])
    return Others.of(now, torch.tensor([[[p is None for p in pitches]]]), slice(voice, voice + 1))


def row(base: int, unknown: int, *above: int) -> int:
    return (base * UNKNOWNS + unknown) * len(CHORD_SETS) + CHORD_SETS.index(sum(1 << a for a in set(above)))


def test_sets_are_those_of_four_voices():
    assert len(set(CHORD_SETS)) == len(CHORD_SETS) == 1 + 11 + 55 + 165
    assert all(number % 2 and number.bit_count() <= 4 for number in CHORD_SETS)
    assert all((number.bit_count() < 4) == (n < SMALL_SETS) for n, number in enumerate(CHORD_SETS))


@pytest.mark.parametrize("key", range(12))
def test_a_tenor_completes_a_chord_over_the_bass_in_any_key(key):
    rows = heard(TENOR, 72 + key, 67 + key, 48 + key).completed()[0, 0]
    assert rows[(4 + key) % 12] == row(OVER_BASS, 0, 0, 4, 7)
    assert rows[(0 + key) % 12] == row(OVER_BASS, 0, 0, 7)
    assert rows[(10 + key) % 12] == row(OVER_BASS, 0, 0, 7, 10)


def test_a_bass_is_what_the_others_stand_above():
    rows = heard(BASS, 72, 67, 64).completed()[0, 0]
    assert rows[0] == row(AS_BASS, 0, 0, 4, 7)
    assert rows[4] == row(AS_BASS, 0, 0, 3, 8)  # a sixth chord
    assert rows[9] == row(AS_BASS, 0, 0, 3, 7, 10)


def test_who_is_not_known_yet_is_told_from_who_rests():
    first = heard(SOPRANO, None, None, None)
    assert first.completed()[0, 0].tolist() == [row(OVER_ITSELF, 3, 0)] * PITCH_CLASSES
    assert first.chord().item() == 3 * (SMALL_SETS + 1) + SMALL_SETS
    rests = Others.of(torch.full((1, 1, 3), REST_TOKEN), torch.zeros(1, 1, 3, dtype=torch.bool), slice(1))
    assert rests.completed()[0, 0].tolist() == [row(OVER_ITSELF, 0, 0)] * PITCH_CLASSES
    given = heard(SOPRANO, 67, 64, None)  # the inner voices, and a soprano is composed to them
    assert given.completed()[0, 0, 0] == row(OVER_ITSELF, 1, 0, 4, 7)
    assert given.chord().item() == SMALL_SETS + 1 + SMALL_SETS


def test_whatever_the_others_do_is_one_of_the_chords():
    known = (None, 48, 55, 60, 63)
    for voice, *others in product(range(4), known, known, known):
        found, unknown = heard(voice, *others), others.count(None)
        pitches, anchor = [p for p in others if p is not None], others[0 if voice == BASS else 2]
        assert 0 <= found.chord().item() < CHORDS
        if anchor is not None:
            chord = CHORD_SETS.index(sum(1 << a for a in {(p - anchor) % 12 for p in pitches}))
            assert found.chord().item() == unknown * (SMALL_SETS + 1) + chord
        base = AS_BASS if voice == BASS else OVER_ITSELF if anchor is None else OVER_BASS
        for choice in range(PITCH_CLASSES):
            lowest = anchor if base == OVER_BASS else choice
            above = {(p - lowest) % 12 for p in (*pitches, choice)}
            assert found.completed()[0, 0, choice] == row(base, unknown, *above)


def tenor_after(model, seen: list[int], last: tuple[int, ...], draws: bool = False) -> Choice:
    """What a tenor may do after a chord of these MIDI pitches, by the tokens of the others."""
    batch: Batch = collate([features_of(Score([last, *[[HOLD] * 4] * 15]))])
    history, one = histories(batch.tokens, batch.meter).each(lambda x: x[:, -1]), slice(TENOR, TENOR + 1)
    hidden = torch.zeros(1, model.config.width)
    ground = model.head.ground(hidden, history, place(batch)[:, 0], batch.to_end[:, 0], batch.style, one)
    return model.head.choice(model.head.to_draw(ground) if draws else ground, torch.tensor([[seen]]), one)


@torch.inference_mode()
def test_a_chord_is_learned_as_a_whole_for_notes_and_for_holds():
    """Only what makes a major triad of the four becomes likelier, whether a note begins or one is held."""
    model, last = small("gru"), (72, 67, 64, 48)
    seen = [HOLD_TOKEN, HOLD_TOKEN, HOLD_TOKEN]
    before = tenor_after(model, seen, last)
    others = [HOLD_TOKEN, HOLD_TOKEN, token(50)], [HOLD_TOKEN, UNKNOWN, HOLD_TOKEN]  # no major triad, or not all of it
    plain = [tenor_after(model, other, last).others for other in others]
    model.head.sonority.weight.data[row(OVER_BASS, 0, 0, 4, 7)] = 1
    after = tenor_after(model, seen, last)
    gained = (after.others - before.others)[0, 0] > 1
    assert {int(t) for t in TOKENS[gained]} == {t for t in range(token(45), token(71) + 1) if (t - token(64)) % 12 == 0}
    thirds = (before.others[0, 0, gained].logsumexp(-1) - before.total).exp()  # what they share of what begins
    more = torch.tensor(8.0)  # the gain of a hold, less that of what begins
    assert after.odds.item() == pytest.approx(
        (before.odds + more - (1 - thirds + thirds * more.exp()).log()).item(), abs=1e-3
    )
    assert all(torch.equal(tenor_after(model, other, last).others, p) for other, p in zip(others, plain))


@torch.inference_mode()
def test_progressions_weigh_more_in_what_is_drawn():
    model, last, seen = small("gru"), (72, 67, 64, 48), [HOLD_TOKEN, HOLD_TOKEN, token(50)]
    plain = tenor_after(model, seen, last).others
    torch.nn.init.normal_(model.head.progression, std=0.1)
    learned, drawn = (
        tenor_after(model, seen, last).others - plain,
        tenor_after(model, seen, last, draws=True).others - plain,
    )
    assert learned.abs().max() > 0.1 and torch.allclose(drawn, DRAWN_PROGRESSION * learned, atol=1e-3)


def test_a_model_trained_without_knows_of_no_chords():
    model = small("gru", sonority=0)
    assert not any("sonority" in name for name, _ in model.named_parameters())
    assert len(model.head.features) < len(small("gru").head.features)
    torch.nn.init.normal_(model.head.progression, std=0.1)
    last, seen = (72, 67, 64, 48), [HOLD_TOKEN, HOLD_TOKEN, token(50)]
    plain, drawn = (tenor_after(model, seen, last, draws) for draws in (False, True))
    assert torch.equal(plain.others, drawn.others) and torch.equal(plain.odds, drawn.odds)
