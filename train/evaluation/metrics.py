"""Figures of music: what a piece is like, how alike two sets of pieces are, what is plainly wrong with one.

Pitch-class entropy, scale consistency, polyphony and groove consistency are MusPy's (Dong 2020, arXiv 2008.01951); the
overlap of densities and the divergence follow Yang & Lerch 2018 ("On the evaluation of generative models in music").
Voice leading has a file of its own, and so has originality.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np

from musicgen.io.key import SCALE, key_of
from musicgen.score import HOLD, METERS, STEPS_PER_QUARTER, STYLES, Score

GRID = 2000  # points that a density is held at
GRID_MARGIN = 4  # bandwidths that the grid reaches beyond the values
NARROWEST = 0.02  # a bandwidth's least share of the spread of both sets: equal values alone have none
LEAST_DENSITY = 1e-9  # what a density is never below, so that a divergence stays finite
STUCK_BARS = 2  # a longer note is stuck
FORM_LAGS = (1, 2, 4, 8)  # bars back that a bar is compared with
RHYTHM_LAG = 4  # bars back that a bar's rhythm is compared with


def clip(score: Score, first: int, bars: int) -> Score:
    """Bars `first`, counted from 0, to `first + bars`; a note held into the cut begins with it."""
    size = METERS[score.meter].steps
    cut = slice(first * size, (first + bars) * size)
    cells = score.cells[cut].copy()
    if len(cells):
        cells[0] = np.where(cells[0] == HOLD, score.sounding()[cut][0], cells[0])
    return score.replace(cells=cells)


def pitch_class_entropy(score: Score) -> float:
    """Entropy in bits of the pitch classes, each note counted once; 0 without notes, at most log2(12)."""
    counts = _pitch_classes(score)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum() + 0.0)  # not -0


def scale_consistency(score: Score) -> float:
    """Share of notes in the scale that holds most of them, of all major scales (so of all natural minor ones too)."""
    counts = _pitch_classes(score)
    return float(max(counts[(SCALE + tonic) % 12].sum() for tonic in range(12)) / max(counts.sum(), 1))


def polyphony(score: Score) -> float:
    """How many different pitches sound on average in the steps where any does; a unison of two voices is one."""
    sounds = np.sort(score.sounding(), axis=1)  # (T, 4)
    different = (sounds >= 0) & np.diff(sounds, axis=1, prepend=-1).astype(bool)
    counts = different.sum(axis=1)
    return float(counts[counts > 0].mean()) if counts.any() else 0.0


def groove_consistency(score: Score) -> float:
    """1 minus the mean share of steps at which, of two adjacent bars, just one has an onset in any voice."""
    onsets = (score.cells >= 0).any(axis=1).reshape(score.bars, -1)  # (bars, steps a bar)
    return float(1 - (onsets[1:] != onsets[:-1]).mean()) if score.bars > 1 else 1.0


def note_duration(score: Score) -> float:
    """Mean duration of the notes in quarters."""
    notes = (score.cells >= 0).sum()
    return float((score.sounding() >= 0).sum() / max(notes, 1) / STEPS_PER_QUARTER)


def melodic_interval(score: Score) -> float:
    """Mean size in semitones of the steps from a note to the next of its voice, repeated notes included."""
    return mean(np.concatenate([np.abs(np.diff(column[column >= 0])) for column in score.cells.T]))


FEATURES: dict[str, Callable[[Score], float]] = {
    f.__name__: f
    for f in (pitch_class_entropy, scale_consistency, polyphony, groove_consistency, note_duration, melodic_interval)
}


def features(score: Score) -> dict[str, float]:
    """The features of a piece that say something of its style: a single voice has no polyphony."""
    voices = len(STYLES[score.style].ranges)
    return {name: f(score) for name, f in FEATURES.items() if voices > 1 or f is not polyphony}


def densities(a: Iterable[float], b: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian kernel densities of two sets of values on one grid, each summing to 1.

    Both have one bandwidth, Silverman's for the narrower and the smaller set: two bandwidths would tell apart sets of
    different size that are alike, a wide one would make different sets alike. Raises `ValueError` for an empty set.
    """
    a, b = np.asarray(list(a), float), np.asarray(list(b), float)
    if not len(a) or not len(b):
        raise ValueError("a density needs at least one value")
    both = np.concatenate([a, b])
    width = 0.9 * min(_spread(a), _spread(b)) * min(len(a), len(b)) ** -0.2
    width = max(width, NARROWEST * both.std()) or 1.0
    grid = np.linspace(both.min() - GRID_MARGIN * width, both.max() + GRID_MARGIN * width, GRID)
    return _density(a, width, grid), _density(b, width, grid)


def _spread(values: np.ndarray) -> float:
    """The standard deviation, or the one that the quartiles tell of: a few values far off do not widen it."""
    low, high = np.percentile(values, [25, 75])
    return min(values.std(), (high - low) / 1.34 or values.std())


def _density(values: np.ndarray, width: float, grid: np.ndarray) -> np.ndarray:
    density = np.zeros(len(grid))
    for value, count in zip(*np.unique(values, return_counts=True), strict=True):
        density += count * np.exp(-0.5 * ((grid - value) / width) ** 2)
    return density / density.sum()


def overlap(a: Iterable[float], b: Iterable[float]) -> float:
    """Area under both densities: 1 for the same values, 0 for values far apart."""
    return float(np.minimum(*densities(a, b)).sum())


def divergence(a: Iterable[float], b: Iterable[float]) -> float:
    """Kullback-Leibler divergence of the density of `a` from that of `b`, in nats."""
    p, q = (density + LEAST_DENSITY for density in densities(a, b))
    p, q = p / p.sum(), q / q.sum()
    return float(max(0.0, (p * np.log(p / q)).sum()))


def compare(ours: list[dict[str, float]], reference: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Two sets of pieces by their `features`, each a name: mean of ours and of the reference, overlap and divergence.

    Under "mean" stand those of all features. The pieces are of one style and of one length, or there is no comparing.
    """
    found = {}
    for name in ours[0]:
        a, b = [f[name] for f in ours], [f[name] for f in reference]
        found[name] = {"value": mean(a), "reference": mean(b)}
        found[name] |= {"overlap": overlap(a, b), "divergence": divergence(a, b)}
    found["mean"] = {key: mean([f[key] for f in found.values()]) for key in ("overlap", "divergence")}
    return found


def defects(score: Score) -> dict[str, float]:
    """What is plainly wrong, 0 where nothing is.

    `empty_bars` and `stuck_notes` are counts: bars in which nothing sounds, notes longer than two bars. `repeated_bars`
    is the share of bars identical to the bar before, `returning_bars` to any bar before, `silent_voices` the share of
    bars and voices of the style in which the voice is silent.
    """
    voices, size = len(STYLES[score.style].ranges), METERS[score.meter].steps
    silent = np.all((score.sounding()[:, :voices] < 0).reshape(score.bars, size, voices), axis=1)  # (bars, voices)
    bars = [clip(score, bar, 1).cells.tobytes() for bar in range(score.bars)]
    return {
        "empty_bars": int(silent.all(axis=1).sum()),
        "stuck_notes": sum(n.duration > STUCK_BARS * size for n in score.notes()),
        "repeated_bars": mean([a == b for a, b in pairwise(bars)]),
        "returning_bars": mean([bar in bars[:i] for i, bar in enumerate(bars)][1:]),
        "silent_voices": float(silent.mean()) if score.bars else 0.0,
    }


def form(scores: Iterable[Score], first: int) -> dict[str, float]:
    """How often bars say again what an earlier bar said: shares of the bars from `first`, counted from 0, to the end.

    `equal_1`, `equal_2` ... are the bars with the cells of the bar so many before, among those that have one;
    `equal_any` those with the cells of any bar before; `rhythm_4` those that begin, hold and rest in each step and
    voice as the bar four before.
    """
    found = defaultdict(list)
    for score in scores:
        bars = score.cells.reshape(score.bars, -1)  # (bars, steps a bar * 4)
        rhythm = np.minimum(bars, 0)  # all pitches alike
        for bar in range(first, score.bars):
            same = (bars[:bar] == bars[bar]).all(axis=1)  # (bar,)
            found["equal_any"].append(same.any())
            for lag in FORM_LAGS:
                if lag <= bar:
                    found[f"equal_{lag}"].append(same[-lag])
            if bar >= RHYTHM_LAG:
                found[f"rhythm_{RHYTHM_LAG}"].append(np.array_equal(rhythm[bar], rhythm[bar - RHYTHM_LAG]))
    return {name: mean(hits) for name, hits in found.items()}


def scale_of(score: Score) -> np.ndarray:
    """The seven pitch classes of the key signature that fits the score best."""
    return (SCALE + 7 * key_of(score).sharps) % 12


def in_scale(score: Score, scale: Iterable[int]) -> float:
    """Share of the notes whose pitch class is in the scale; 0 without notes."""
    counts = _pitch_classes(score)
    return float(counts[np.asarray(list(scale))].sum() / max(counts.sum(), 1))


def differing(a: Score, b: Score) -> float:
    """Share of the cells in which two scores of one length differ in pitch.

    Voices that their style does not use do not count.
    """
    if a.cells.shape != b.cells.shape or a.style != b.style:
        raise ValueError(f"cannot compare {a.bars} bars of {a.style} with {b.bars} bars of {b.style}")
    voices = len(STYLES[a.style].ranges)
    return mean((a.sounding() != b.sounding())[:, :voices].flatten())


def _pitch_classes(score: Score) -> np.ndarray:
    return np.bincount(score.cells[score.cells >= 0] % 12, minlength=12)


def mean(values: Iterable[float]) -> float:
    """0 of nothing."""
    values = list(values)
    return float(np.mean(values)) if values else 0.0
