"""What may be asked for on the command line, and the request it makes.

Nothing here needs torch, so that `--help` comes at once.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from musicgen.export import FORMATS
from musicgen.io import seeds
from musicgen.request import LARGEST_FILE, LIMITS, Given, Request, new_random_seed
from musicgen.score import METERS_BY_LENGTH, STYLES, VOICES, Canvas, Score, ScoreError

FORMAT_ENDINGS = [format.ending for format in FORMATS.values()]
SAMPLING = ("model", "temperature", "top_p", "random_seed")  # fields of a request that say nothing of the canvas
OPTIONS = ("style", "meter", "tempo", "bars", *SAMPLING)  # fields that have an option


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
    parser.add_argument(
        "--part", metavar="NAME", help="which part of the file is the tune: its name, or its number from 1"
    )
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
    used.add_argument("--seed-bars", type=_whole, metavar="N", help="continue the first N bars only")
    parser.add_argument("--style", choices=STYLES, help=f"default: the file's, else {Request.style}")
    parser.add_argument("--meter", choices=METERS_BY_LENGTH, help=f"default: the file's, else {Request.meter}")
    parser.add_argument(
        "--tempo",
        type=_number,
        help=f"quarter notes a minute, {LIMITS['tempo']}; default: the file's, else the style's",
    )
    parser.add_argument(
        "--bars", type=_whole, help=f"length of the whole piece, {LIMITS['bars']}, given music included"
    )


def add_sampling(parser: argparse.ArgumentParser):
    parser.add_argument(
        "--temperature", type=_number, help=f"{LIMITS['temperature']}: 0 is the likeliest music, 1 as usual"
    )
    parser.add_argument("--top-p", type=_number, help=f"{LIMITS['top_p']}: below 1 the least likely notes are left out")
    parser.add_argument("--random-seed", type=_whole, help="same random seed, same notes; default: a new one each time")
    parser.add_argument("--seed", type=_whole, dest="random_seed", help=argparse.SUPPRESS)  # as it was called before


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number") from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number") from error


def _voices(text: str) -> list[int]:
    names = [name.strip().lower() for name in text.split(",")]
    unknown = [name for name in names if name not in VOICES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown voice {unknown[0]!r}: choose from {', '.join(VOICES)}")
    return sorted({VOICES.index(name) for name in names})


def _bar_range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    first, last = _whole(first), _whole(last if dash else first)
    if first > last:
        raise argparse.ArgumentTypeError(f"{text!r} runs backwards: write {last}-{first}")
    return first, last


def out_file(text: str) -> Path:
    """A file that can be written, as far as can be told before."""
    path = Path(text)
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMAT_ENDINGS:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in a known format: use .{', .'.join(FORMAT_ENDINGS)}")
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
        raise UsageError(f"--out: {str(folder)[:60]!r} cannot be created: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out: {str(folder)[:60]!r} cannot be written: choose another folder")
    return folder


def request_of(options: argparse.Namespace) -> Request:
    """The request that the options make. Raises `Problem` or `UsageError` if it cannot be granted."""
    settings = {name: value for name in OPTIONS if (value := getattr(options, name, None)) is not None}
    settings.setdefault("random_seed", new_random_seed())
    source = options.midi or options.musicxml
    if options.notes is None and source is None:
        if options.keep or options.free_bars or options.seed_bars:
            raise UsageError("--keep, --free-bars and --seed-bars need given music: add --notes, --midi or --musicxml")
        return Request(**settings)
    if options.part is not None and source is None:
        raise UsageError("--part needs a file: add --midi or --musicxml")
    if source is None:
        request = Request(notes=str(options.notes), **settings)
        seed = request.seed()
    else:
        Request(**settings)  # what is wrong with the other options is told before a file is read
        seed = _read(options, source)
        score = seed.canvas.score
        settings |= {"style": score.style, "meter": score.meter, "tempo": score.tempo}
        request = Request(given=Given(seed.canvas, source.name), **settings)
    if seed.message:
        print(seed.message, file=sys.stderr)
    if options.keep or options.free_bars:
        return _rework(options, seed.canvas.score, settings)
    if options.seed_bars is not None:
        LIMITS["bars"].check("seed_bars", options.seed_bars)
        request = replace(request, given=Given(seed.first(options.seed_bars).canvas))
    return request if "bars" in settings else request.with_room()


def _read(options: argparse.Namespace, source: Path) -> seeds.Seed:
    read = seeds.from_midi if options.midi else seeds.from_musicxml
    try:
        return read(_bytes(source), options.style, options.meter, options.tempo, options.part)
    except seeds.SeedError as error:
        raise UsageError(f"{source}: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE >> 20} MB: choose a shorter piece")
    return data


def _rework(options: argparse.Namespace, score: Score, settings: dict) -> Request:
    """Harmonise or repair: the given music over its whole length, as far as `--bars` reaches."""
    bars = settings.get("bars", score.bars)
    if options.keep:
        silent = [v for v in options.keep if not any(n.voice == v for n in score.notes())]
        if silent:
            raise UsageError(
                f"--keep: the given music has no {STYLES[score.style].voice(silent[0])}: keep a voice that it has"
            )
        canvas = Canvas.keep_voices(score, options.keep).extended(bars)
    else:
        try:
            canvas = Canvas.free_bars(score, *options.free_bars).extended(bars)
        except ScoreError as error:
            raise UsageError(f"--free-bars: {error}") from error
    if canvas.fixed.all():
        alone = options.keep and len(STYLES[score.style].ranges) == 1
        free = f"a {score.style} has one voice; add --style chorale" if alone else "keep less"
        raise UsageError(f"nothing is left to compose: {free}")
    drawn = {name: settings[name] for name in SAMPLING if name in settings}
    return Request.filling(canvas, **drawn)
