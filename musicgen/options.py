"""What may be asked for on the command line, and the canvas it asks for.

Nothing here needs torch, so that `--help` comes at once.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from musicgen.score import METERS, STYLES, VOICES, Canvas, ScoreError

LONGEST = 32  # bars of a whole piece
USUAL = 8  # bars, unless told otherwise
LARGEST_FILE = 5 * 1024 * 1024  # bytes, as on the page
ENDINGS = ("mid", "musicxml", "wav", "mp3", "png")


class UsageError(Exception):
    """Something asked for cannot be done; one line that says what to ask for instead."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def add_music(parser: argparse.ArgumentParser):
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--notes", help='seed notes, such as "C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2"')
    given.add_argument("--midi", type=Path, metavar="FILE", help="a MIDI file as the given music")
    given.add_argument("--musicxml", type=Path, metavar="FILE", help="a MusicXML file as the given music")
    used = parser.add_mutually_exclusive_group()
    used.add_argument(
        "--keep",
        type=_voices,
        metavar="VOICES",
        help="harmonise: keep these voices (soprano,alto,...), free the others",
    )
    used.add_argument(
        "--free-bars", type=_bar_range, metavar="3-4", help="repair: keep all but these bars, counted from 1"
    )
    used.add_argument("--seed-bars", type=_whole(1, LONGEST), metavar="N", help="go on from the first N bars only")
    parser.add_argument("--style", choices=STYLES, help="default: the file's, else chorale")
    parser.add_argument("--meter", choices=METERS, help="default: the file's, else 4/4")
    parser.add_argument(
        "--tempo", type=_number(20, 300), help="quarter notes a minute; default: the file's, else the style's"
    )
    parser.add_argument(
        "--bars", type=_whole(1, LONGEST), help=f"length of the whole piece, 1-{LONGEST}, given music included"
    )


def add_sampling(parser: argparse.ArgumentParser):
    parser.add_argument("--temperature", type=_number(0, 3), help="0 is the likeliest music, 1 as in training, up to 3")
    parser.add_argument("--top-p", type=_number(0.01, 1), help="leave out the least likely notes; 1 leaves out none")
    parser.add_argument("--seed", type=_whole(0, 2**31 - 1), help="same seed, same notes; default: a new one each time")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return convert


def _number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:  # not a number fails too
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return convert


def _voices(text: str) -> list[int]:
    names = [name.strip().lower() for name in text.split(",")]
    unknown = [name for name in names if name not in VOICES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown voice {unknown[0]!r}: choose from {', '.join(VOICES)}")
    return sorted({VOICES.index(name) for name in names})


def _bar_range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    convert = _whole(1, LONGEST)
    first, last = convert(first.strip()), convert(last.strip() if dash else first.strip())
    if first > last:
        raise argparse.ArgumentTypeError(f"{text!r} runs backwards: write {last}-{first}")
    return first, last


def out_file(text: str) -> Path:
    """A file that can be written, as far as can be told before."""
    path = Path(text)
    ending = path.suffix.lower().lstrip(".")
    if ending not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{text!r} ends in no known format: use .{', .'.join(ENDINGS)}")
    try:
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}: make it first")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"{text!r} cannot be written: choose another place")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} cannot be written: {error.strerror}") from error
    return path


def made(folder: Path) -> Path:
    """The folder, made if it is not there, if files can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {str(folder)[:60]!r} cannot be made a folder: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out: {str(folder)[:60]!r} cannot be written: choose another folder")
    return folder


def canvas_of(options: argparse.Namespace) -> Canvas:
    """The canvas the options ask for."""
    source = options.midi or options.musicxml
    if options.notes is None and source is None:
        if options.keep or options.free_bars or options.seed_bars:
            raise UsageError("--keep, --free-bars and --seed-bars need given music: add --notes, --midi or --musicxml")
        style = options.style or "chorale"
        return Canvas.blank(options.bars or USUAL, style, options.meter or "4/4", options.tempo)
    seed = _seed(options, source)
    if seed.message:
        print(seed.message, file=sys.stderr)
    if options.keep or options.free_bars:
        return _rework(options, seed.canvas.score)
    from musicgen.io.seeds import SeedError

    try:
        given = seed.first(options.seed_bars) if options.seed_bars else seed
        return given.lengthened(options.bars or min(LONGEST, max(USUAL, given.canvas.score.bars + 4)))
    except SeedError as error:
        raise UsageError(f"--bars: {error} (--seed-bars)") from error


def _seed(options: argparse.Namespace, source: Path | None):
    from musicgen.io import seeds

    try:
        if source is None:
            return seeds.from_text(options.notes, options.style or "chorale", options.meter or "4/4", options.tempo)
        read = seeds.from_midi if options.midi else seeds.from_musicxml
        return read(_bytes(source), options.style, options.meter, options.tempo)
    except seeds.SeedError as error:
        raise UsageError(f"{f'{source}' if source else '--notes'}: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE >> 20} MB: choose a shorter piece")
    return data


def _rework(options: argparse.Namespace, score) -> Canvas:
    """Harmonise or repair: the given music over its whole length, as far as `--bars` reaches."""
    bars = options.bars or score.bars
    if options.keep:
        silent = [v for v in options.keep if not any(n.voice == v for n in score.notes())]
        if silent:
            raise UsageError(f"--keep: the given music has no {VOICES[silent[0]]}: keep a voice that it has")
        canvas = Canvas.keep_voices(score, options.keep).extended(bars)
    else:
        try:
            canvas = Canvas.free_bars(score, *options.free_bars).extended(bars)
        except ScoreError as error:
            raise UsageError(f"--free-bars: {error}") from error
    if canvas.fixed.all():
        free = "a dance has one voice; add --style chorale" if score.style == "dance" and options.keep else "keep less"
        raise UsageError(f"nothing is left to compose: {free}")
    return canvas
