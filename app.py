"""The page: widgets and their wiring. What they mean is in `musicgen`; how they look and sound is in `musicgen/web`."""

import inspect
import os
import secrets
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a beat is many small tensors: more threads only wait for each other
if "PORT" in os.environ:
    os.environ.setdefault("GRADIO_SERVER_PORT", os.environ["PORT"])

import gradio as gr

from musicgen import checkpoint, comparison, selftest, session
from musicgen.audio import INSTRUMENTS, default_instruments
from musicgen.files import FORMATS
from musicgen.models import DEFAULTS, MODELS
from musicgen.request import LONGEST, Problem, Request, Upload, length_for
from musicgen.score import METERS, STYLES
from musicgen.seeds import EXAMPLES
from musicgen.web import parts

LARGEST_UPLOAD = "1mb"
KEPT = 3600  # seconds a visitor's files stay on the server
TITLE = "Nonet: nine networks, one tune"
BUSY = "The server did not answer: it may be busy. Wait a moment, then try again."
SETTINGS = ("model", "style", "notes", "upload", "bars", "meter", "temperature", "top_p", "random_seed")  # of a request


def by_name(act, takes: dict, gives: dict) -> dict:
    """An event's arguments for Gradio, which passes by position: `act` takes and gives values by name.

    What `act` does not give, the page keeps.
    """

    def call(*values):
        return ordered(act(**dict(zip(takes, values))) or {})

    def stream(*values):
        for made in act(**dict(zip(takes, values))):
            yield ordered(made)

    def ordered(made: dict):
        values = [made.get(name, gr.skip()) for name in gives]
        return values[0] if len(values) == 1 else values or None

    act_all = stream if inspect.isgeneratorfunction(act) else call
    return {"fn": act_all, "inputs": list(takes.values()), "outputs": list(gives.values())}


# ---- what the cards say ------------------------------------------------------------------------------------------


def best_model() -> str:
    """The one that is least surprised by music it has never heard; the first one where nothing was measured.

    Only exact likelihoods can be compared.
    """
    names = checkpoint.available()
    exact = [n for n in names if MODELS[n].likelihood == "exact"]
    measured = {n: sum(nll.values()) for n in exact if (nll := checkpoint.metrics(n).get("nll_valid"))}
    return min(measured, key=measured.get) if measured else next(iter(names), "")


def cards() -> list[dict]:
    return [
        {"name": n, "title": MODELS[n].title, "summary": MODELS[n].summary, "cost": checkpoint.in_words(figures)}
        for n, figures in ((n, checkpoint.figures(n)) for n in checkpoint.available())
    ]


# ---- what the events do ------------------------------------------------------------------------------------------


def request_for(mixer: dict, **settings) -> Request:
    known = {name: settings[name] for name in SETTINGS if name in settings}
    known["notes"] = known["notes"] or ""
    return Request(tempo=mixer["tempo"], **known)


def preview(**settings) -> dict:
    shown = session.preview(request_for(**settings))
    return {"stage": {**shown, "told": time.monotonic_ns()}}  # the page takes no notice of what it is told twice


def asking(compose, shown: str, kept: str):
    """What a click begins: `compose` is `session.compose`, or `comparison.compare` for all models at once."""

    def ask(run, control, anew, random_seed, **settings):
        if anew:
            random_seed = secrets.randbelow(1_000_000)
        elif random_seed is None:
            random_seed = -1
        told = {"random_seed": random_seed}  # once, or it would undo what is typed there meanwhile
        for update, made in compose(request_for(random_seed=random_seed, **settings), run, control):
            yield {shown: update, **({} if made is None else {kept: made}), **told}
            told = {}

    return ask


def stop_run(control: session.Control, run: str):
    control.stop(run)


def mixer_for(style: str, mixer: dict, tempo: float | None = None) -> dict:
    tempo = round(tempo or STYLES[style].tempo)
    return {"mixer": {**mixer, "tempo": tempo, "instruments": list(default_instruments(style))}}


def take_example(example, bars, mixer) -> dict:
    chosen = next(e for e in EXAMPLES if e.name == example)
    request = Request(style=chosen.style, notes=chosen.text, meter=chosen.meter, tempo=chosen.tempo)
    return {"notes": chosen.text, **settled(request, bars, mixer), **drop_file()}


def take_file(file, bars, mixer) -> dict:
    """A file becomes the seed, its style and meter the page's; a file that cannot be read changes nothing."""
    upload = Upload(Path(file).name, Path(file).read_bytes())
    try:
        score = upload.read().canvas.score
    except Problem as problem:
        return {"stage": session.trouble(problem)}
    request = Request(style=score.style, upload=upload, meter=score.meter, tempo=score.tempo)
    remove = gr.update(visible=True, value=f"Remove {upload.name[:40]}")
    return {**settled(request, bars, mixer), "upload": upload, "remove": remove}


def settled(request: Request, bars: int, mixer: dict) -> dict:
    """A new seed's style, meter, length, playback and preview."""
    bars = length_for(request.seed().canvas, bars)
    mixer = mixer_for(request.style, mixer, request.tempo)
    shown = session.preview(replace(request, bars=bars))
    return {"style": request.style, "meter": request.meter, "bars": bars, **mixer, "stage": shown}


def drop_file() -> dict:
    return {"upload": None, "remove": gr.update(visible=False)}


def type_notes() -> dict:
    return {**drop_file(), "example": None}


def save(name: str):
    def write(row, work, answers, mixer) -> dict:
        work = answers.get(row) if row else work
        if work is None:
            raise gr.Error("There is nothing to download yet: let a model compose first.", print_exception=False)
        folder = Path(tempfile.mkdtemp(dir=cache_folder()))
        path = folder / f"{work.name}.{FORMATS[name].ending}"
        path.write_bytes(FORMATS[name].make(work.at(mixer["tempo"]), mixer["instruments"]))
        return {"file": str(path)}

    return write


def cache_folder() -> Path:
    folder = Path(gr.utils.get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# ---- the page ----------------------------------------------------------------------------------------------------


def build() -> gr.Blocks:
    first = EXAMPLES[0]
    mixer = {"tempo": first.tempo, "volume": 0.8, "instruments": list(default_instruments(first.style))}
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, KEPT)) as page:
        control, upload, work, answers = gr.State(session.Control()), gr.State(None), gr.State(None), gr.State({})
        run, row = gr.Textbox(visible=False), gr.Textbox(visible=False)
        parts.header()
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="panel"):
                model = parts.cards(best_model(), cards())
                styles = [(name.capitalize(), name) for name in STYLES]
                style = gr.Radio(styles, value=first.style, label="Style", elem_id="style")
                bars = gr.Slider(1, LONGEST, 8, step=1, label="Length in bars", elem_id="bars")
                temperature = gr.Slider(
                    0, 2, DEFAULTS.temperature, step=0.05, label="Temperature", elem_id="temperature",
                    info="0 plays safe, above 1 surprises.",
                )  # fmt: skip
                with gr.Accordion("More: meter, top-p, random seed", open=False, elem_id="more"):
                    meter = gr.Radio(list(METERS), value=first.meter, label="Meter", elem_id="meter")
                    top_p = gr.Slider(
                        0.5, 1, DEFAULTS.top_p, step=0.01, label="Top-p", elem_id="top-p",
                        info="Below 1 the unlikeliest notes are left out.",
                    )  # fmt: skip
                    random_seed = gr.Number(7, precision=0, label="Random seed", elem_id="random-seed")
                    anew = gr.Checkbox(True, label="New random seed each time", elem_id="anew")
                with gr.Row(elem_id="actions"):
                    generate = gr.Button("Generate", variant="primary", elem_id="generate")
                    compare_all = gr.Button("Compare all", variant="primary", elem_id="compare-all")
                    stop = gr.Button("Stop", elem_id="stop")
            with gr.Column(elem_id="play"):
                stage = parts.stage()
                rows = parts.rows(cards())
                mix = parts.transport(mixer, choices=[
                    {"key": key, "title": instrument.title} for key, instrument in INSTRUMENTS.items()
                ])  # fmt: skip
                with gr.Row(elem_id="seed"):
                    notes = gr.Textbox(first.text, label="Seed notes", lines=2, max_lines=4, elem_id="notes")
                    names = [e.name for e in EXAMPLES]
                    example = gr.Dropdown(names, value=first.name, label="Example", filterable=False, elem_id="example")
                    file = gr.UploadButton(
                        "Upload MIDI or MusicXML", file_types=[".mid", ".midi", ".musicxml", ".xml", ".mxl"],
                        elem_id="upload",
                    )  # fmt: skip
                    remove = gr.Button("Remove file", visible=False, elem_id="remove")
                parts.said()
                parts.keyboard()
        with gr.Row(elem_id="downloads"):
            saves = {name: gr.Button(f.title, elem_id=f"save-{name}") for name, f in FORMATS.items()}
            files = {name: gr.DownloadButton(visible="hidden", elem_id=f"file-{name}") for name in FORMATS}
        parts.notes_text()

        wire(
            control=control, run=run, anew=anew, work=work, answers=answers, row=row, stage=stage, rows=rows, mixer=mix,
            remove=remove, example=example, file=file, model=model, style=style, notes=notes, upload=upload, bars=bars,
            meter=meter, temperature=temperature, top_p=top_p, random_seed=random_seed,
            generate=generate, compare_all=compare_all, stop=stop, saves=saves, files=files, page=page,
        )  # fmt: skip
    return page


def wire(page, **part):
    """What happens when; every event names what it takes and gives."""

    def some(*names) -> dict:
        return {name: part[name] for name in names}

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    now = {**quiet, "queue": False}
    latest = {**now, "trigger_mode": "always_last"}
    asked = some("run", "control", "anew", "mixer", *SETTINGS)
    for button, view, compose, shown, kept in (
        ("generate", "compose", session.compose, "stage", "work"),
        ("compare_all", "compare", comparison.compare, "rows", "answers"),
    ):
        composing = part[button].click(
            **by_name(asking(compose, shown, kept), asked, some(shown, kept, "random_seed")),
            js=parts.hook("ask", asked), concurrency_id="models", concurrency_limit=2, **quiet,
        )  # fmt: skip
        composing.failure(None, js=parts.hook("failed", view=view, message=BUSY))
    stopped = some("control", "run")
    part["stop"].click(**by_name(stop_run, stopped, {}), js=parts.hook("stop", stopped), **now)

    seed = some("style", "notes", "upload", "bars", "meter", "mixer")
    show = by_name(preview, seed, some("stage"))
    gr.on([page.load, *(part[name].change for name in ("style", "notes", "bars", "meter"))], **show, **latest)
    part["style"].input(**by_name(mixer_for, some("style", "mixer"), some("mixer")), **latest)
    typed = by_name(type_notes, {}, some("upload", "remove", "example"))
    part["notes"].input(**typed, **now).then(**show, **now)
    part["remove"].click(**by_name(drop_file, {}, some("upload", "remove")), **now).then(**show, **now)
    taken = some("notes", "style", "meter", "bars", "mixer", "stage", "upload", "remove")
    part["example"].input(**by_name(take_example, some("example", "bars", "mixer"), taken), **latest)
    part["file"].upload(**by_name(take_file, some("file", "bars", "mixer"), taken), **now)
    for name in FORMATS:
        wanted = some("row", "work", "answers", "mixer")
        made = part["saves"][name].click(
            **by_name(save(name), wanted, {"file": part["files"][name]}),
            js=parts.hook("chosen", wanted), concurrency_id="files", **quiet,
        )  # fmt: skip
        made.success(None, js=f"() => document.querySelector('#file-{name}').click()")


def launch(**options):
    """Start the server; options as of `gradio.Blocks.launch`."""
    theme = gr.themes.Base(
        font=["ui-sans-serif", "system-ui", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    return build().queue(max_size=24, default_concurrency_limit=1).launch(
        theme=theme, head=parts.head(), max_file_size=LARGEST_UPLOAD, ssr_mode=False, show_error=False, footer_links=[],
        app_kwargs={"routes": parts.routes()}, **options,
    )  # fmt: skip


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if selftest.run() else 1)
    launch()
