"""The training music: music21's corpus -> scores on the grid, split and cached.

    python -m train.data [--rebuild]

Every style has a `Source`. `chorale` is Bach's four-part chorales, split by `train/data/chorale_split.json` (names of
files, twins already removed). `dance` is O'Neill's, Ryan's and Aird's collections, one tune once, split by a hash of
its first intervals.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from musicgen.score import METERS, STYLES, VOICES, Note, Score, ScoreError, from_notes

CACHE = Path(__file__).parents[1] / ".cache" / "dataset.npz"
CHORALE_SPLIT = Path(__file__).parent / "data" / "chorale_split.json"
DANCES = ("oneills1850", "ryansMammoth", "airdsAirs")
SPLITS = ("train", "valid", "test")
KEY_INTERVALS = 24  # two tunes with the same first intervals are one tune
SAME_BAR = {"2/2": "4/4"}  # as many sixteenths a bar, counted otherwise


class Dropped(Exception):
    """A piece does not fit the canvas; the message is the reason it is counted under."""


@dataclass(frozen=True)
class Piece:
    name: str
    split: str
    score: Score


@dataclass(frozen=True)
class Source:
    """Where the music of a style comes from, and how it is read."""

    files: Callable[[], list[tuple[str, str]]]  # the split of each file, "" where its tune decides, and its path
    parts: Callable  # a music21 score -> its parts, a voice each from the top down; raises `Dropped`
    exact: bool = False  # a piece with notes off the sixteenth grid is dropped
    tunes: bool = False  # pieces whose tunes begin alike are one piece


def load(path: Path = CACHE) -> list[Piece]:
    """Every piece of the dataset in its fixed order, from the cache; built first where there is none."""
    if not path.exists():
        build(path)
    with np.load(path) as arrays:
        meta = json.loads(str(arrays["meta"]))
        parts = np.split(arrays["cells"], np.cumsum([m["steps"] for m in meta])[:-1])
    return [
        Piece(m["name"], m["split"], Score(cells, m["style"], m["meter"], m["tempo"]))
        for m, cells in zip(meta, parts, strict=True)
    ]


def of(pieces: list[Piece], style: str, split: str) -> list[Piece]:
    """The pieces of a style and split, in their order."""
    return [p for p in pieces if p.score.style == style and p.split == split]


def digest(pieces: list[Piece]) -> str:
    """SHA-256 of every piece's name, split, style, meter and cells."""
    sha = hashlib.sha256()
    for p in pieces:
        sha.update(f"{p.name}|{p.split}|{p.score.style}|{p.score.meter}|".encode())
        sha.update(p.score.cells.astype("<i2").tobytes())
    return sha.hexdigest()


def build(path: Path = CACHE) -> Counter:
    """Parse the corpus (some minutes, two processes), write the cache, and count what was dropped and why."""
    pieces, dropped = [], Counter()
    files = [(style, *file) for style, source in SOURCES.items() for file in source.files()]
    with ProcessPoolExecutor(2) as pool:
        for found in tqdm(pool.map(_parse_file, files), total=len(files), desc="parsing", unit="file"):
            for piece, reason in found:
                if piece is not None:
                    pieces.append(piece)
                else:
                    dropped[reason] += 1
    pieces, twins = _without_twins(pieces)
    dropped["the same tune as an earlier one"] += twins
    write(path, pieces)
    path.with_suffix(".dropped.json").write_text(json.dumps(dropped, indent=1))
    return dropped


def write(path: Path, pieces: list[Piece]):
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = json.dumps([_meta(p) for p in pieces])
    cells = np.concatenate([p.score.cells for p in pieces]).astype(np.int16)
    np.savez_compressed(path, meta=np.array(meta), cells=cells)


def _meta(piece: Piece) -> dict:
    s = piece.score
    about = {"style": s.style, "meter": s.meter, "tempo": s.tempo, "steps": s.steps}
    return {"name": piece.name, "split": piece.split, **about}


def _corpus() -> Path:
    import music21

    return Path(music21.__file__).parent / "corpus"


def _chorale_files() -> list[tuple[str, str]]:
    split = json.loads(CHORALE_SPLIT.read_text())
    found = {f.stem: f for f in sorted((_corpus() / "bach").iterdir()) if f.suffix in (".mxl", ".xml", ".krn")}
    return [(part, str(found[name])) for part in SPLITS for name in split[part]]


def _dance_files() -> list[tuple[str, str]]:
    return [("", str(f)) for folder in DANCES for f in sorted((_corpus() / folder).glob("*.abc"))]


def _parse_file(task: tuple[str, str, str]) -> list[tuple[Piece | None, str]]:
    """One corpus file -> its pieces, or for each that does not fit, why."""
    from music21 import converter, stream

    style, split, file = task
    try:
        parsed = converter.parse(file, forceSource=True)
    except Exception as error:  # whatever music21 stumbles over in a file
        return [(None, f"{style}: music21 cannot read the file ({type(error).__name__})")]
    found = []
    works = parsed.scores if isinstance(parsed, stream.Opus) else [parsed]
    for number, work in enumerate(works):
        name = Path(file).stem + (f"#{number + 1}" if len(works) > 1 else "")
        try:
            score = to_score(work, style)
            found.append((Piece(name, split or _split_of(_tune_key(score)), score), ""))
        except Dropped as reason:
            found.append((None, f"{style}: {reason}"))
    return found


def to_score(work, style: str) -> Score:
    """A music21 score -> cells from its first bar line on; an upbeat stands after rests, the last chord fills its bar.

    Raises `Dropped` with the reason where the piece does not fit the canvas.
    """
    parts = SOURCES[style].parts(work)
    meter = _meter(parts[0])
    shift = _upbeat_padding(parts[0], meter)
    notes = [n for voice, part in enumerate(parts) for n in _notes(part, voice, shift, style)]
    if not notes:
        raise Dropped("no notes")
    end = max(n.start + n.duration for n in notes)
    bar = METERS[meter].steps
    steps = -(-end // bar) * bar
    notes = [Note(n.voice, n.pitch, n.start, steps - n.start) if n.start + n.duration == end else n for n in notes]
    if steps < 4 * bar:
        raise Dropped("shorter than four bars")
    try:
        return Score(from_notes(notes, steps), style, meter, STYLES[style].tempo)
    except ScoreError as error:
        raise Dropped("a voice leaves its range" if "range" in str(error) else "breaks the grammar") from error


def _only_part(work) -> list:
    if len(parts := list(work.parts)) != 1:
        raise Dropped("more than one part")
    return parts


def _four_parts(work) -> list:
    parts = list(work.parts)
    named = {str(p.partName or p.id).lower().rstrip("."): p for p in reversed(parts)}
    if all(voice in named for voice in VOICES):
        return [named[voice] for voice in VOICES]
    if len(parts) < len(VOICES):
        raise Dropped("fewer than four parts")
    return parts[-len(VOICES) :]  # instruments, where there are any, stand above the voices


def _meter(part) -> str:
    lengths = Counter()
    for measure in part.getElementsByClass("Measure"):
        signature = measure.timeSignature or measure.getContextByClass("TimeSignature")
        if signature is not None:
            lengths[SAME_BAR.get(signature.ratioString, signature.ratioString)] += measure.duration.quarterLength
    if not lengths:
        raise Dropped("no meter")
    (meter, length), total = lengths.most_common(1)[0], sum(lengths.values())
    if meter not in METERS:
        raise Dropped(f"a meter outside the five ({meter})")
    if length < 0.9 * total:
        raise Dropped("the meter changes")
    return meter


def _upbeat_padding(part, meter: str) -> int:
    """Steps of rest before the first note, so that every full bar begins on a bar line of the grid."""
    bar = METERS[meter].steps
    starts = Counter()
    for measure in part.getElementsByClass("Measure"):
        if measure.duration.quarterLength * 4 == bar:
            starts[measure.offset * 4 % bar] += 1
    if not starts:
        raise Dropped("no full bar")
    (phase, count), total = starts.most_common(1)[0], sum(starts.values())
    if count < 0.95 * total or phase != int(phase):
        raise Dropped("bar lines move")
    return int(-phase % bar)


def _notes(part, voice: int, shift: int, style: str) -> list[Note]:
    found = []
    for element in part.flatten().notes:
        if element.duration.isGrace or not element.pitches:
            continue
        start, length = element.offset * 4, element.quarterLength * 4
        if SOURCES[style].exact and (start != int(start) or length != int(length)):
            raise Dropped("notes off the sixteenth grid")
        pitch = (min if voice and voice == len(STYLES[style].voices) - 1 else max)(p.midi for p in element.pitches)
        first, last = int(start), int(start + length)  # of two thirty-seconds, few as they are, the first stays
        tied = element.tie is not None and element.tie.type in ("stop", "continue")
        if tied and found and found[-1].pitch == pitch and found[-1].start + found[-1].duration == first + shift:
            before = found.pop()
            found.append(Note(voice, pitch, before.start, before.duration + last - first))
        elif last > first:
            found.append(Note(voice, pitch, first + shift, last - first))
    return found


def _tune_key(score: Score) -> str:
    pitches = score.cells[:, 0][score.cells[:, 0] >= 0]
    return " ".join(map(str, np.diff(pitches)[:KEY_INTERVALS]))


def _split_of(key: str) -> str:
    part = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 20
    return {0: "valid", 1: "test"}.get(part, "train")


def _without_twins(pieces: list[Piece]) -> tuple[list[Piece], int]:
    kept, seen = [], set()
    for piece in pieces:
        key = _tune_key(piece.score) if SOURCES[piece.score.style].tunes else piece.name
        if key not in seen:
            seen.add(key)
            kept.append(piece)
    return kept, len(pieces) - len(kept)


SOURCES = {
    "chorale": Source(_chorale_files, _four_parts),
    "dance": Source(_dance_files, _only_part, exact=True, tunes=True),
}
if missing := STYLES.keys() - SOURCES.keys():
    raise ValueError(f"no source of music for the styles {', '.join(sorted(missing))}: add them to SOURCES")


def report(pieces: list[Piece], dropped: dict[str, int]) -> str:
    lines = []
    for style in STYLES:
        counts = Counter(p.split for p in pieces if p.score.style == style)
        meters = Counter(p.score.meter for p in pieces if p.score.style == style)
        steps = sum(p.score.steps for p in pieces if p.score.style == style)
        lines.append(f"{style}: " + ", ".join(f"{counts[s]} {s}" for s in SPLITS) + f"; {steps} frames; {dict(meters)}")
    lines += [f"dropped {count:5d}  {reason}" for reason, count in sorted(dropped.items())]
    return "\n".join([*lines, f"dataset sha256 {digest(pieces)}"])


def main():
    parser = argparse.ArgumentParser(prog="python -m train.data", description=__doc__)
    parser.add_argument("--rebuild", action="store_true", help="parse the corpus again")
    if parser.parse_args().rebuild or not CACHE.exists():
        build()
    print(report(load(), json.loads(CACHE.with_suffix(".dropped.json").read_text())))


if __name__ == "__main__":
    main()
