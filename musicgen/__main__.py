"""The command line: `python -m musicgen compose ...`, `compare`, `models`, `app`; once installed, `musicgen ...`.

What only composing needs (torch, sound, pictures) is imported when it is needed, so that `--help` comes at once.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

from musicgen.options import FORMAT_ENDINGS, Parser, UsageError, add_music, add_sampling, made, out_file, request_of
from musicgen.request import Problem
from musicgen.score import STYLES, Canvas

PROGRAM = "musicgen" if Path(sys.argv[0]).stem == "musicgen" else "python -m musicgen"


def main(arguments: list[str] | None = None) -> int | str:
    """Run a command; 0 if all went well, 1 or a sentence if something here is broken, 2 if what was asked is wrong."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command == "app":
        return _app(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return 130
    except Problem as problem:
        field = ("midi" if options.midi else "musicxml") if problem.field == "upload" else problem.field
        return _fail(options, f"--{field.replace('_', '-')}: {problem}", 2)
    except UsageError as error:
        return _fail(options, error, 2)
    except (RuntimeError, MemoryError) as error:  # CheckpointError and AudioError are RuntimeErrors
        return _fail(options, error, 1)


def _fail(options: argparse.Namespace, error: Exception | str, code: int) -> int:
    line = " ".join(str(error).split()) or type(error).__name__
    print(f"{PROGRAM} {options.command}: error: {line}", file=sys.stderr)
    return code


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description="Neural networks that complete a four-voice score.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="compose | compare | models | app")
    commands.add_parser("app", help="serve the page; --help lists its own options", add_help=False)
    models = commands.add_parser("models", help="list the trained models", allow_abbrev=False)
    models.set_defaults(run=_models)
    compose = commands.add_parser("compose", help="compose a piece and write it to files", allow_abbrev=False)
    compose.set_defaults(run=_compose)
    compose.add_argument("--model", required=True, help="an architecture; `python -m musicgen models` lists them")
    add_music(compose)
    add_sampling(compose)
    compose.add_argument(
        "--out",
        action="append",
        default=[],
        type=out_file,
        metavar="FILE",
        help=f"write the piece, in the format of the ending ({', '.join(FORMAT_ENDINGS)}); may be given several times",
    )
    compose.add_argument("--json", action="store_true", help="print one JSON object about the piece")
    compare = commands.add_parser("compare", help="put one seed to every trained model", allow_abbrev=False)
    compare.set_defaults(run=_compare)
    add_music(compare)
    add_sampling(compare)
    compare.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="write a MIDI file a model, comparison.png and comparison.json here; made if it is not there",
    )
    return parser


def _app(arguments: list[str]) -> int | str:
    from importlib.util import module_from_spec, spec_from_file_location

    from musicgen import place

    spec = spec_from_file_location("app", place.of("app.py"))
    assert spec and spec.loader
    page = module_from_spec(spec)
    spec.loader.exec_module(page)
    return page.main(arguments, f"{PROGRAM} app")


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
    request = request_of(options)
    import torch

    from musicgen import checkpoint, session

    session.check_model(request)
    model, canvas = checkpoint.load(request.model), request.canvas()
    torch.set_num_threads(1)  # a beat is many small tensors: more threads only wait for each other
    began = time.perf_counter()
    score = model.compose(canvas, request.sampling, random_seed=request.random_seed)
    seconds = time.perf_counter() - began
    for path in options.out:
        _write(path, session.Composition(score, canvas.fixed, request.model, request.random_seed))
    about = {
        "model": request.model,
        "style": score.style,
        "bars": score.bars,
        "steps": score.steps,
        "random_seed": request.random_seed,
        "temperature": request.temperature,
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
        f"{about['seconds_of_music']:.1f} s of music in {about['seconds_generating']:.1f} s, "
        f"random seed {about['random_seed']}"
    ]
    return "\n".join(lines + [f"wrote {path}" for path in about["files"]])


def _compare(options: argparse.Namespace) -> int:
    request = request_of(options)
    canvas, out = request.canvas(), made(options.out)
    import torch

    from musicgen import comparison, session

    torch.set_num_threads(1)
    rows, works = [], {}
    for update, works in comparison.compare(request, "", session.Control(deadline=math.inf)):
        if update["kind"] == "problem":
            raise Problem(update["field"], update["message"])
        if update["kind"] in ("end", "failed"):
            rows.append(_row(update, (works or {}).get(update["row"]), out))
    drawn = {name: getattr(request, name) for name in ("temperature", "top_p", "random_seed")}
    about = {**_canvas_in_words(canvas), **drawn, "models": rows}
    if works:
        _put(out / "comparison.png", _picture(rows, works, canvas, request.random_seed))
    _put(out / "comparison.json", (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode())
    failed = [row["model"] for row in rows if "error" in row]
    if failed:
        raise RuntimeError(f"{', '.join(failed)} failed; what the others composed is in {out}")
    return 0


def _row(update: dict, work, out: Path) -> dict:
    """What a comparison tells of one model, its music written to a file."""
    from musicgen import checkpoint
    from musicgen.models import MODELS

    name = update["row"]
    about = {"model": name, "title": MODELS[name].title, **checkpoint.figures(name)}
    if work is None:
        print(f"{name}: failed: {update['message']}")
        return {**about, "error": update["message"]}
    path = out / f"{work.name}.mid"
    _write(path, work)
    notes = len(update["notes"])
    print(f"{name}: {notes} notes in {update['seconds']:.1f} s, wrote {path}", flush=True)
    return {**about, "random_seed": work.random_seed, "seconds": update["seconds"], "notes": notes, "file": path.name}


def _canvas_in_words(canvas: Canvas) -> dict:
    score = canvas.score
    given = [
        {"voice": STYLES[score.style].voice(n.voice), "pitch": n.pitch, "start": n.start, "duration": n.duration}
        for n in score.notes()
    ]
    settings = {"style": score.style, "meter": score.meter, "tempo": score.tempo}
    return {**settings, "bars": score.bars, "steps": score.steps, "given": given}


def _picture(rows: list[dict], works: dict, canvas: Canvas, random_seed: int) -> bytes:
    from musicgen import checkpoint
    from musicgen.io import picture

    def drawn(row: dict) -> picture.Row:
        work, name = works.get(row["model"]), f"{row['title']} · {checkpoint.in_words(row)}"
        return picture.Row(name, work and work.score, canvas.fixed, row.get("error", ""))

    score = canvas.score
    title = (
        f"One seed, {len(rows)} answers: {score.style}, {score.bars} bars of {score.meter}, random seed {random_seed}"
    )
    return picture.stack([drawn(row) for row in rows], title)


def _write(path: Path, work):
    from musicgen import export
    from musicgen.io import audio

    ending = path.suffix.lower().lstrip(".")
    maker = next(f for f in export.FORMATS.values() if f.ending == ending)
    _put(path, maker.make(work, audio.default_instruments(work.score.style)))


def _put(path: Path, data: bytes):
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
