"""Voice leading as the textbooks judge it, and whether a piece ends like one.

A chord change is a step in which a voice's pitch moves, begins or ends. A parallel is two voices that both move and
keep a perfect fifth, or an octave or unison, whatever octaves lie between and whichever way they go.
"""

from collections.abc import Iterable

import numpy as np

from musicgen.score import HOLD, STEPS_PER_QUARTER, VOICE_PAIRS, VOICES, Score

FIFTH, OCTAVE = 7, 12
TRIADS = ({0, 4, 7}, {0, 3, 7})  # semitones over the root


def voice_leading(scores: Iterable[Score]) -> dict[str, float]:
    """Figures over all scores together.

    `parallel_fifths`, `parallel_octaves`: over all pairs of voices, per 100 chord changes. `crossings`: percentage of
    pairs of neighbouring voices and steps in which the lower one sounds above the upper. `wide_spacing`: percentage of
    steps in which soprano and alto, or alto and tenor, are more than an octave apart. `range_<voice>`: semitones from
    a voice's lowest to its highest note, the mean of the scores.
    """
    scores = list(scores)
    counted = [_count(s.sounding()) for s in scores]
    total = {key: sum(c[key] for c in counted) for key in counted[0]} if counted else {}
    ranges = np.array([_ranges(s.sounding()) for s in scores]) if scores else np.zeros((1, 4))
    changes, pairs, uppers = (max(total.get(key, 0), 1) for key in ("changes", "pairs", "uppers"))
    return {
        "parallel_fifths": 100 * total.get("fifths", 0) / changes,
        "parallel_octaves": 100 * total.get("octaves", 0) / changes,
        "crossings": 100 * total.get("crossed", 0) / pairs,
        "wide_spacing": 100 * total.get("wide", 0) / uppers,
    } | {f"range_{voice}": float(r) for voice, r in zip(VOICES, ranges.mean(axis=0), strict=True)}


def _count(sounds: np.ndarray) -> dict[str, int]:
    """Sounding pitches `(T, 4)` -> how often each thing happens, and how often it could have."""
    before, after = sounds[:-1], sounds[1:]
    moves = (before != after) & (before >= 0) & (after >= 0)  # (T - 1, 4)
    kept = {0: 0, FIFTH: 0}
    for upper, lower in VOICE_PAIRS:
        both = moves[:, upper] & moves[:, lower]
        first, then = ((s[:, upper] - s[:, lower]) % OCTAVE for s in (before, after))
        for interval in kept:
            kept[interval] += int((both & (first == interval) & (then == interval)).sum())
    sound = (sounds[:, :-1] >= 0) & (sounds[:, 1:] >= 0)  # (T, 3) neighbours that both sound
    apart = sounds[:, :-1] - sounds[:, 1:]
    return {
        "changes": int((before != after).any(axis=1).sum()),
        "fifths": kept[FIFTH],
        "octaves": kept[0],
        "pairs": int(sound.sum()),
        "crossed": int((sound & (apart < 0)).sum()),
        "uppers": int(sound[:, :2].any(axis=1).sum()),
        "wide": int((sound & (apart > OCTAVE))[:, :2].any(axis=1).sum()),
    }


def _ranges(sounds: np.ndarray) -> list[int]:
    columns = [column[column >= 0] for column in sounds.T]
    return [int(column.max() - column.min()) if len(column) else 0 for column in columns]


def ends_on_triad(score: Score) -> bool:
    """Whether all four voices end on a major or minor triad over its root, held for a quarter or more.

    The fifth may be missing; the third may not: two of Bach's 303 chorales here end on a bare fifth and do not count.
    """
    chord = score.sounding()[-1:]  # (1, 4)
    if not chord.size or (chord < 0).any() or (score.cells[1 - STEPS_PER_QUARTER :] != HOLD).any():
        return False
    above = set(((chord - chord.min()) % OCTAVE).ravel().tolist())
    return any(above in (triad, triad - {FIFTH}) for triad in TRIADS)
