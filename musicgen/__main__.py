"""The command line: `python -m musicgen compose ...` and `python -m musicgen models`.

What only composing needs (torch, sound, pictures) is imported when it is needed, so that `--help` comes at once.
"""

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from musicgen.score import METERS, STYLES, VOICES, Canvas, ScoreError

LONGEST = 32  # bars of a whole piece
USUAL = 8  # bars, unless told otherwise
LARGEST_FILE = 10 * 1024 * 1024  # bytes
ENDINGS = ("mid", "musicxml", "wav", "mp3", "png")


class UsageError(Exception):
    """Something asked for cannot be done; one line that says what to ask for instead."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if all went well, 1 if something here is broken, 2 if what was asked for is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return 130
    except UsageError as error:
        return _fail(options, error, 2)
    except (RuntimeError, MemoryError) as error:  # CheckpointError and AudioError are RuntimeErrors
        return _fail(options, error, 1)


def _fail(options: argparse.Namespace, error: Exception, code: int) -> int:
    line = " ".join(str(error).split()) or type(error).__name__
    print(f"python -m musicgen {options.command}: error: {line}", file=sys.stderr)
    return code


def _parser() -> Parser:
    parser = Parser(prog="python -m musicgen", description="Neural networks that complete a four-voice score.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="compose | models")
    models = commands.add_parser("models", help="list the trained models", allow_abbrev=False)
    models.set_defaults(run=_models)
    compose = commands.add_parser("compose", help="compose a piece and write it to files", allow_abbrev=False)
    compose.set_defaults(run=_compose)
    compose.add_argument("--model", required=True, help="an architecture; `python -m musicgen models` lists them")
    _add_music(compose)
    _add_sampling(compose)
    compose.add_argument(
        "--out",
        action="append",
        default=[],
        type=_out,
        metavar="FILE",
        help=f"write the piece, in the format of the ending ({', '.join(ENDINGS)}); may be given several times",
    )
    compose.add_argument("--json", action="store_true", help="print one JSON object about the piece")
    return parser


def _add_music(parser: argparse.ArgumentParser):
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


def _add_sampling(parser: argparse.ArgumentParser):
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


def _out(text: str) -> Path:
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


def _models(options: argparse.Namespace) -> int:
    from musicgen import checkpoint
    from musicgen.models import MODELS

    trained = checkpoint.available()
    print(f"{'name':16}{'parameters':>12}   held-out nll, nats a cell")
    for name in MODELS:
        figures = checkpoint.metrics(name) if name in trained else {}
        count = figures.get("parameters") or (name in trained and checkpoint.parameters(checkpoint.load(name)))
        size = format(count, ",") if count else "-"
        print(f"{name:16}{size:>12}   {checkpoint.nats(name) if name in trained else 'not trained'}")
    return 0


def _compose(options: argparse.Namespace) -> int:
    canvas = _canvas(options)
    import torch

    from musicgen import checkpoint
    from musicgen.models import DEFAULTS

    if options.model not in checkpoint.available():
        known = ", ".join(checkpoint.available()) or "none is trained yet, run: python -m train gru"
        raise UsageError(f"there is no trained model {options.model!r}: choose from {known}")
    model = checkpoint.load(options.model)
    torch.set_num_threads(1)  # a beat is many small tensors: more threads only wait for each other
    sampling = {
        "temperature": DEFAULTS.temperature if options.temperature is None else options.temperature,
        "top_p": DEFAULTS.top_p if options.top_p is None else options.top_p,
        "seed": secrets.randbelow(2**31) if options.seed is None else options.seed,
    }
    began = time.perf_counter()
    score = model.compose(canvas, **sampling)
    seconds = time.perf_counter() - began
    for path in options.out:
        _write(path, score, canvas, options.model, sampling["seed"])
    about = {
        "model": options.model,
        "style": score.style,
        "bars": score.bars,
        "steps": score.steps,
        "seed": sampling["seed"],
        "temperature": sampling["temperature"],
        "notes": len(score.notes()),
        "seconds_generating": round(seconds, 3),
        "seconds_of_music": round(score.seconds, 3),
        "files": [str(path) for path in options.out],
    }
    print(json.dumps(about) if options.json else _summary(about, score.meter))
    return 0


def _summary(about: dict, meter: str) -> str:
    lines = [
        f"{about['model']}: {about['bars']} bars of {meter} ({about['style']}), {about['notes']} notes, "
        f"{about['seconds_of_music']:.1f} s of music in {about['seconds_generating']:.1f} s, seed {about['seed']}"
    ]
    return "\n".join(lines + [f"wrote {path}" for path in about["files"]])


def _canvas(options: argparse.Namespace) -> Canvas:
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
    from musicgen.seeds import SeedError

    try:
        given = seed.first(options.seed_bars) if options.seed_bars else seed
        return given.lengthened(options.bars or min(LONGEST, max(USUAL, given.canvas.score.bars + 4)))
    except SeedError as error:
        raise UsageError(f"--bars: {error} (--seed-bars)") from error


def _seed(options: argparse.Namespace, source: Path | None):
    from musicgen import seeds

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


def _write(path: Path, score, canvas: Canvas, model: str, seed: int):
    from musicgen import audio, files
    from musicgen.session import Composition

    work = Composition(score=score, fixed=canvas.fixed, model=model, seed=seed)
    ending = path.suffix.lower().lstrip(".")
    maker = next(f for f in files.FORMATS.values() if f.ending == ending)
    data = maker.make(work, audio.default_instruments(score.style))
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
