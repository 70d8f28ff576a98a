"""Figures that only one architecture has; they stand under "particular_<split>" in its metrics.json.

Each function of `PARTICULAR` takes the trained model, the pieces of all splits, the split to measure on, and the
directory where the other checkpoints are.
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from musicgen import checkpoint
from musicgen.models.base import Batch, collate, crop, features_of, to_cells
from musicgen.models.critic import CRITIC_BARS, Critic
from musicgen.models.gan import GAN, unused
from musicgen.models.latent import LATENT_BARS, STANDARD, Grid
from musicgen.models.next_frame import NextFrame
from musicgen.models.vae import SURE, VAE
from musicgen.score import METERS, STYLES, Score
from train.data import Piece, of
from train.evaluation.metrics import clip, differing, mean
from train.evaluation.sampled import PIECE_BARS, SEED_BARS, canvas_of, composed
from train.evaluation.voice_leading import voice_leading
from train.loop import held_out, whole_pieces
from train.recipes import FORWARD, RECIPES

REBUILT_BARS = 8  # at the begin of each piece
ACTIVE = 0.01  # variance that the mean of a latent unit has over all windows if the unit is in use (Burda et al. 2015)
ROUNDS = 3  # a piece is gone on with, when parallels are counted
MORPHS, MORPH_STEPS = 16, 9  # pairs of windows a style, and scores from one to the other


def of_seq2seq(model: NextFrame, pieces: list[Piece], split: str, directory: Path) -> dict:
    """Nats a cell of alto, tenor and bass, given the soprano: all of it, or as far as a forward model has come."""
    batches = whole_pieces([features_of(p.score) for p in of(pieces, "chorale", split)])
    forward = set(FORWARD).intersection(checkpoint.available(directory))
    theirs = {name: lower_voices(cast(NextFrame, checkpoint.load(name, directory)), batches) for name in forward}
    best = sorted(theirs, key=lambda name: theirs[name])[:1]
    return {"harmonising a soprano, nats a cell": lower_voices(model, batches)} | {
        f"... of {name}, the best of those that cannot look ahead": theirs[name] for name in best
    }


@torch.inference_mode()
def lower_voices(model: NextFrame, batches: list[Batch]) -> float:
    """Mean -ln p of the cells of the three lower voices, the soprano given."""
    loss, cells = 0.0, 0.0
    for batch in batches:
        fixed = torch.zeros_like(batch.tokens, dtype=torch.bool)
        fixed[..., 0] = True
        counted = batch.counted()[..., 1:]
        nll = model.cell_nll(batch, state=model.first_state(batch, fixed))[..., 1:]
        loss, cells = loss + (nll * counted).sum().item(), cells + counted.sum().item()
    return loss / cells


def of_gan(model: GAN, pieces: list[Piece], split: str, directory: Path) -> dict:
    """What the adversarial part added: each figure of the generator beside that of the weights it began with.

    Nothing is chosen by the critic here; what its choosing adds is seen in the figures of the samples.
    """
    composers, name = {"its own": model}, RECIPES[model.name].start["generator"]
    if name in checkpoint.available(directory):
        composers[f"{name}'s"] = start = GAN(model.config).eval()
        start.critic.load_state_dict(model.critic.state_dict())
        start.generator.load_state_dict(checkpoint.load(name, directory).state_dict())
    ours, found = {style: [p.score for p in of(pieces, style, split)] for style in model.styles}, {}
    for whose, composer in composers.items():
        found |= {
            f"windows that the critic tells from real ones, {whose}: 0.5 is none, 1 all": [
                _critic_auc(model.critic, composer, scores) for scores in ours.values()
            ],
            f"distance from held-out music in features of a frame, {whose} (Hellinger, squared)": [
                held_out(composer, whole_pieces([features_of(s) for s in scores])) for scores in ours.values()
            ],
            f"parallels per 100 chord changes, {whose}, nothing chosen": _parallels(composer, ours["chorale"]),
        }
    return found


@torch.inference_mode()
def _critic_auc(critic: Critic, composer: GAN, scores: list[Score]) -> float:
    """How often the critic believes a real window more than a composed one: bars 5 and 6, of which 3 to 6 are composed.

    That is the area under the curve of its hits over its false alarms.
    """
    real, made, rng = [], [], torch.Generator().manual_seed(0)
    for same in _by_meter([s for s in scores if s.bars >= 3 * CRITIC_BARS]):
        window = CRITIC_BARS * METERS[same[0].meter].steps
        batch = collate([crop(features_of(s), 0, 3 * window) for s in same])
        music, _ = composer.roll(batch, window, 2 * window, unused(batch), rng)
        for beliefs, windows in ((real, batch), (made, music)):
            beliefs.append(critic.scores(windows, 2 * window)[1])
    return (torch.cat(real)[:, None] > torch.cat(made)).float().mean().item()


def _parallels(composer: GAN, scores: list[Score]) -> float:
    """Fifths and octaves together, in six bars composed after the first two of each piece."""
    found, rng = [], torch.Generator().manual_seed(0)
    for same in _by_meter([canvas_of(s).score for s in scores if s.bars >= PIECE_BARS]):
        batch, seed_steps = collate([features_of(s) for s in same]), SEED_BARS * METERS[same[0].meter].steps
        for _ in range(ROUNDS):
            music, _ = composer.roll(batch, seed_steps, seed_steps, unused(batch), rng)
            found += [composed(s.replace(cells=to_cells(t.numpy()))) for s, t in zip(same, music.tokens)]
    figures = voice_leading(found)
    return figures["parallel_fifths"] + figures["parallel_octaves"]


def of_vae(model: VAE, pieces: list[Piece], split: str, directory: Path) -> dict:
    """How well latents are obeyed, how much they hold, and how a morph gets from one piece to the other."""
    ours = {style: [p.score for p in of(pieces, style, split)] for style in model.styles}
    found = [_rebuilt(model, scores) for scores in ours.values()]
    means = torch.cat([f.pop("means") for f in found])  # (windows, Z)
    return {name: [f[name] for f in found] for name in found[0]} | {
        "active latent units": f"{int((means.var(0) > ACTIVE).sum())} of {means.shape[1]}",
        "cells unlike a, step by step on a way from a to b": {s: _morphs(model, scores) for s, scores in ours.items()},
    }


@torch.inference_mode()
def _rebuilt(model: VAE, scores: list[Score]) -> dict:
    """Pieces encoded, and decoded at temperature 0 by themselves, given nothing but the means of their latents."""
    right, nats, means = [], [], []
    for same_meter in _by_meter(scores):
        steps = REBUILT_BARS * METERS[same_meter[0].meter].steps
        batch = collate([crop(features_of(s), 0, min(steps, s.steps)) for s in same_meter])
        posterior, there = model.encode(batch), Grid.of(batch).windows
        made = model.decode(batch, posterior.mean, SURE)
        right += [_right(s, to_cells(tokens.numpy())) for s, tokens in zip(same_meter, made)]
        nats.append(posterior.kl(STANDARD)[there])
        means.append(posterior.mean[there])
    cells, onsets = (np.concatenate(part) for part in zip(*right))
    return {
        "cells rebuilt from latents": mean(cells),
        "onset cells rebuilt": mean(onsets),
        "KL, nats a window": torch.cat(nats).mean().item(),
        "means": torch.cat(means),
    }


def _right(score: Score, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells of a piece's begin, and which of its onsets, sound the same pitch and begin a note or not alike."""
    bars = min(score.bars, REBUILT_BARS)
    piece = clip(score, 0, bars)
    made = piece.replace(cells=cells[: piece.steps])
    same = (piece.sounding() == made.sounding()) & ((piece.cells >= 0) == (made.cells >= 0))
    same, onset = (a[:, : len(STYLES[score.style].ranges)] for a in (same, piece.cells >= 0))
    return same.flatten(), same[onset]


def _morphs(model: VAE, scores: list[Score]) -> list[float]:
    """The share of cells that differ in pitch from a, score by score on the way to b, mean of many pairs."""
    pairs = [pair for same in _by_meter(scores) for pair in zip(same[::2], same[1::2])][:MORPHS]
    morphs = [model.morph(clip(a, 0, LATENT_BARS), clip(b, 0, LATENT_BARS), MORPH_STEPS) for a, b in pairs]
    return [mean(differing(morph[0], morph[i]) for morph in morphs) for i in range(MORPH_STEPS)]


def _by_meter(scores: list[Score]) -> list[list[Score]]:
    found = defaultdict(list)
    for score in scores:
        found[score.meter].append(score)
    return list(found.values())


# name of an architecture -> (the trained model, all pieces, the split to measure on, where the others are) -> figures
PARTICULAR: dict[str, Callable[[Any, list[Piece], str, Path], dict]] = {
    "gan": of_gan,
    "seq2seq": of_seq2seq,
    "vae": of_vae,
}
