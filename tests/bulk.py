"""Reads every MIDI and MusicXML file of a folder and compares with independent readers: `python tests/bulk.py DIR`.

A file is right if its notes within the first 24 bars of four quarters, and its tempo where it has one, are those of a
reader that knows nothing of this project (`reference.py`), before they are fitted to four voices. Where the visitor is
told that repeats were left out, they are compared without. Where such readers differ and one of them agrees, it is
right. They cannot tell where they refuse the file, where they differ among themselves, where music21 cannot follow its
repeats and where they say that they pass over something in it; the reason stands beside every such file.
"""

import argparse
import pickle
import signal
import sys
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import mode

sys.path.insert(0, str(Path(__file__).parent.parent))

import music21  # noqa: F401  the readers load slowly: before anything is timed
import partitura  # noqa: F401
from reference import Reading, Unsure, by_mido, by_music21, by_partitura

from musicgen.io import midi, notation, seeds

ENDINGS = {".mid", ".midi", ".kar", ".rmi", ".xml", ".musicxml", ".mxl"}
WINDOW = 24 * 16  # steps that are compared
NEAR = 0.05  # steps
PATIENCE = 60  # seconds of the processor that a reader may take


class TooLong(BaseException):
    """Not an Exception, so that no reader catches it."""


def within(seconds: int, task, *arguments):
    """The task's result; TooLong after so many seconds of the processor, however busy it is with other things."""

    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return task(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def references(path: Path, data: bytes) -> list[Reading | str]:
    found = []
    for reader in [by_mido] if seeds.midifile.begins(data) >= 0 else [by_music21, by_partitura]:
        try:
            found += within(PATIENCE, reader, path)
        except Unsure as unsure:
            found.append(str(unsure))
        except TooLong:
            found.append(f"{reader.__name__[3:]}: too long")
    return found


def ours(data: bytes) -> Reading:
    music = (midi if seeds.midifile.begins(data) >= 0 else notation).read(data)
    notes = {(s.start, s.pitch, s.end) for part in music.parts for s in part.sounds}
    return Reading("ours", notes, music.tempo)


def missing(one: Reading, other: Reading) -> list[tuple]:
    """The notes of one reading that begin within the window and are not in the other."""
    known = {(round(start + shift, 1), pitch) for start, pitch, _ in other.notes for shift in (-NEAR, 0, NEAR)}
    return sorted(n for n in one.notes if n[0] < WINDOW and (round(n[0], 1), n[1]) not in known)


def lengths(one: Reading, other: Reading) -> list[tuple]:
    """The notes that begin in both and end elsewhere; of a pitch that begins twice at once, the longer one."""
    longest, ends = {(start, pitch): end for start, pitch, end in sorted(one.notes)}, defaultdict(list)
    for start, pitch, end in other.notes:
        for near in {round(start + shift, 1) for shift in (-NEAR, 0, NEAR)}:
            ends[near, pitch].append(end)
    return sorted(
        (start, pitch, end)
        for (start, pitch), end in longest.items()
        if end < WINDOW
        and (others := ends.get((round(start, 1), pitch)))
        and all(abs(other - end) > 4 * NEAR for other in others)
    )


def differences(mine: Reading, theirs: Reading) -> str:
    """What differs, in a few words; "" if nothing does."""
    found = {"lost": missing(theirs, mine), "too many": missing(mine, theirs)}
    found = found if any(found.values()) else {"of another length": lengths(mine, theirs)}
    words = [f"{len(notes)} notes {what}, first {notes[0]}" for what, notes in found.items() if notes]
    if theirs.tempo and abs((mine.tempo or 0) - theirs.tempo) > 0.5 + theirs.tempo / 100:
        words.append(f"tempo {mine.tempo}, not {theirs.tempo:g}")
    return "; ".join(words)


def tune_lost(path: Path, data: bytes) -> str:
    """What of the tune, of whose notes the readers say the same, is neither in the top voice nor told; "" if nothing.

    Of MIDI its lengths too, as they were written: the commonest part of the time until the next note is its gate.
    """
    seed, of_midi = seeds.from_file(path.name, data), seeds.midifile.begins(data) >= 0
    music, tune = (midi if of_midi else notation).read(data), seed.tune or seed.parts[0]
    numbers = {tune.number} if seed.tune or len(seed.parts) == 1 else {part.number for part in seed.parts}
    sounds = [s for i, part in enumerate(music.parts, 1) for s in part.sounds if (part.number or i) in numbers]
    highest = min(n.voice for n in seed.canvas.score.notes())
    score = [n for n in seed.canvas.score.notes() if n.voice == highest or len(numbers) > 1]
    top = {(n.start, n.pitch % 12): n.duration for n in score}
    sounds.sort(key=lambda s: s.start)
    shift = min(top)[0] - round(sounds[0].start)
    known = [s for s in sounds if round(s.start) + shift < seed.canvas.score.steps]
    lost = [s for s in known if (round(s.start) + shift, s.pitch % 12) not in top]
    if lost and not any(words in seed.message for words in ("divided", "sixteenth", "top line", "beyond four")):
        return f"{len(lost)} notes of the tune {tune.label} lost, first {lost[0]}"
    if len(numbers) > 1:
        return ""  # chords that are one with the tune: what is beyond four voices is told
    after = dict(pairwise(sorted({s.start for s in known})))
    parts = [round((s.end - s.start) / (after[s.start] - s.start), 2) for s in known if s.start in after]
    gate = mode([part for part in parts if 0.75 <= part <= 1] or [1.0]) if of_midi else 1.0
    wrong = []
    for sound in known:
        steps, at = (sound.end - sound.start) / gate, round(sound.start) + shift
        most = min(after.get(sound.start, sound.start + steps) - sound.start, seed.canvas.score.steps - at)
        sure = (
            abs(steps - round(steps)) < 0.1 and abs(sound.start - round(sound.start)) < 0.1 and 0 < steps < most + 0.2
        )
        if sure and top.get((at, sound.pitch % 12), round(steps)) != round(steps):
            wrong.append(sound)
    return f"{len(wrong)} notes of the tune are of another length, first {wrong[0]}" if wrong else ""


def judged(path: Path, data: bytes, known: list[Reading | str]) -> tuple[str, str]:
    """A word for what came of a file, and more words."""
    began = time.perf_counter()
    try:
        played = "repeats were left out" not in within(PATIENCE, seeds.from_file, path.name, data).message
        mine = ours(data)
    except seeds.SeedError as error:
        heard = [reading for reading in known if isinstance(reading, Reading) and reading.notes]
        return ("refused", str(error)) if heard else ("refused too", str(error))
    except TooLong:
        return "HANGS", ""
    except Exception as error:
        return "CRASHES", repr(error)
    seconds = time.perf_counter() - began
    sure = [reading for reading in known if isinstance(reading, Reading) and reading.played is played]
    wrong = [differences(mine, reading) for reading in sure]
    if not sure:
        return "cannot tell", "; ".join(reading for reading in known if isinstance(reading, str))
    if "" in wrong:
        lost = tune_lost(path, data)
        return ("tune lost", lost) if lost else ("right", f"{seconds:.2f} s")
    if played and any(isinstance(r, Reading) and not r.played for r in known) and sure[0].reader == "partitura":
        return "cannot tell", f"repeats that music21 cannot follow; partitura: {wrong[0]}"
    if sure[0].reader[:4] != sure[-1].reader[:4] and differences(sure[0], sure[-1]):
        return "readers differ", f"{sure[0].reader}: {wrong[0]}; {sure[-1].reader}: {wrong[-1]}"
    return "wrong", wrong[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, help="read no more files than this, spread evenly")
    parser.add_argument("--cache", type=Path, help="a folder that keeps what the independent readers found")
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if options.limit and len(paths) > options.limit:
        paths = paths[:: -(-len(paths) // options.limit)]
    counts = Counter()
    for path in paths:
        data = path.read_bytes()
        word, more = judged(path, data, _known(path, data, options.cache))
        counts[word] += 1
        if word != "right":
            print(f"{word:15} {path.relative_to(options.folder)}: {more[:300]}", flush=True)
    total = counts["right"] + counts["wrong"] + counts["refused"] + counts["tune lost"]
    print(", ".join(f"{number} {word}" for word, number in counts.most_common()))
    print(f"{counts['right']} of {total} right where the readers can tell: {counts['right'] / max(total, 1):.1%}")
    sys.exit(counts["CRASHES"] + counts["HANGS"] > 0)


def _known(path: Path, data: bytes, cache: Path | None) -> list[Reading | str]:
    kept = cache / (str(path.resolve()).replace("/", "+")[-200:] + ".pickle") if cache else None
    if kept and kept.is_file():
        return pickle.loads(kept.read_bytes())
    found = references(path, data)
    if kept:
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    return found


if __name__ == "__main__":
    main()
