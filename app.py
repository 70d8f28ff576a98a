"""The page: widgets and their wiring. What they mean is in `musicgen`; how they look and sound is in `musicgen/web`."""

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
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from musicgen import checkpoint, comparison, selftest, session
from musicgen.audio import INSTRUMENTS, default_instruments
from musicgen.files import FORMATS
from musicgen.models import DEFAULTS, MODELS
from musicgen.score import METERS, STYLES
from musicgen.seeds import EXAMPLES

WEB = Path(__file__).parent / "musicgen" / "web"
SCRIPTS = (
    "sampler.js", "player.js", "words.js", "roll.js", "take.js", "transport.js", "deck.js", "compare.js", "views.js",
    "keyboard.js", "page.js",
)  # fmt: skip
LARGEST_UPLOAD = "5mb"
KEPT = 3600  # seconds a visitor's files stay on the server
BUSY = "The server did not answer: it may be busy. Wait a moment, then try again."


def web(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def part(name: str, hook: str = "", value=None, **props) -> gr.HTML:
    """A component of our own: a fixed template, brought to life by `MusicgenPage.<hook>`."""
    load = f"window.MusicgenPage.{hook}(element, props, watch);" if hook else None
    return gr.HTML(
        value, html_template=web(f"{name}.html"), js_on_load=load, apply_default_css=False, elem_id=name, **props
    )


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


def wish_of(model, style, notes, upload, bars, meter, mixer, temperature, top_p, seed=0) -> session.Wish:
    return session.Wish(
        model, style, notes or "", upload, bars, meter, mixer["tempo"], temperature, top_p, -1 if seed is None else seed
    )


def preview(style, notes, upload, bars, meter, mixer):
    shown = session.preview(wish_of("", style, notes, upload, bars, meter, mixer, 1, 1))
    return {**shown, "told": time.monotonic_ns()}  # the page takes no notice of what it is told twice


def asking(compose):
    """What a click begins: `compose` is `session.compose`, or `comparison.compare` for all models at once."""

    def ask(run, control, anew, model, style, notes, upload, bars, meter, mixer, temperature, top_p, seed):
        seed = secrets.randbelow(1_000_000) if anew else seed
        wish = wish_of(model, style, notes, upload, bars, meter, mixer, temperature, top_p, seed)
        told = seed  # once, or it would undo what is typed there meanwhile
        for update, made in compose(wish, run, control):
            yield update, gr.skip() if made is None else made, told
            told = gr.skip()

    return ask


def mixer_for(style: str, mixer: dict, tempo: float | None = None) -> dict:
    tempo = round(tempo or STYLES[style].tempo)
    return {**mixer, "tempo": tempo, "instruments": list(default_instruments(style))}


def take_example(name, bars, mixer):
    example = next(e for e in EXAMPLES if e.name == name)
    wish = session.Wish(style=example.style, notes=example.text, meter=example.meter, tempo=example.tempo)
    return example.text, *settled(wish, bars, mixer), None, gr.update(visible=False)


def take_file(path, bars, mixer):
    """A file becomes the seed, its style and meter the page's; a file that cannot be read changes nothing."""
    upload = session.Upload(Path(path).name, Path(path).read_bytes())
    try:
        score = upload.read().canvas.score
    except session.Problem as problem:
        return *[gr.skip()] * 4, session.trouble(problem), gr.skip(), gr.skip()
    wish = session.Wish(style=score.style, upload=upload, meter=score.meter, tempo=score.tempo)
    return *settled(wish, bars, mixer), upload, gr.update(visible=True, value=f"Remove {upload.name[:40]}")


def settled(wish, bars, mixer):
    """A new seed's style, meter, length, playback and preview."""
    bars = session.length_for(session.seed_of(wish).canvas, bars)
    shown = session.preview(replace(wish, bars=bars))
    return wish.style, wish.meter, bars, mixer_for(wish.style, mixer, wish.tempo), shown


def drop_file():
    return None, gr.update(visible=False)


def type_notes():
    return *drop_file(), None


def save(name: str):
    def write(row, work, answers, mixer):
        work = answers.get(row) if row else work
        if work is None:
            raise gr.Error("There is nothing to download yet: let a model compose first.", print_exception=False)
        folder = Path(tempfile.mkdtemp(dir=cache_folder()))
        path = folder / f"{work.name}.{FORMATS[name].ending}"
        path.write_bytes(FORMATS[name].make(work.at(mixer["tempo"]), mixer["instruments"]))
        return str(path)

    return write


def cache_folder() -> Path:
    folder = Path(gr.utils.get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# ---- the page ----------------------------------------------------------------------------------------------------


def build() -> gr.Blocks:
    first = EXAMPLES[0]
    mixer = {"tempo": first.tempo, "volume": 0.8, "instruments": list(default_instruments(first.style))}
    with gr.Blocks(title="musicgen", analytics_enabled=False, fill_width=True, delete_cache=(600, KEPT)) as page:
        control, upload, work, answers = gr.State(session.Control()), gr.State(None), gr.State(None), gr.State({})
        run, row = gr.Textbox(visible=False), gr.Textbox(visible=False)
        part("header", "header")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="panel"):
                model = part("cards", "cards", best_model(), cards=cards())
                styles = [(name.capitalize(), name) for name in STYLES]
                style = gr.Radio(styles, value=first.style, label="Style", elem_id="style")
                bars = gr.Slider(1, session.LONGEST, 8, step=1, label="Length in bars", elem_id="bars")
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
                    seed = gr.Number(7, precision=0, label="Random seed", elem_id="seed-number")
                    anew = gr.Checkbox(True, label="New random seed each time", elem_id="anew")
                with gr.Row(elem_id="actions"):
                    go = gr.Button("Generate", variant="primary", elem_id="generate")
                    go_all = gr.Button("Compare all", variant="primary", elem_id="compare-all")
                    stop = gr.Button("Stop", elem_id="stop")
            with gr.Column(elem_id="play"):
                stage = part("stage", "stage")
                rows = part("rows", "rows", rows=cards())
                mix = part("transport", "transport", mixer, choices=[
                    {"key": key, "title": instrument.title} for key, instrument in INSTRUMENTS.items()
                ])  # fmt: skip
                with gr.Row(elem_id="seed"):
                    notes = gr.Textbox(first.text, label="Seed notes", lines=2, max_lines=4, elem_id="notes")
                    names = [e.name for e in EXAMPLES]
                    example = gr.Dropdown(names, value=first.name, label="Example", filterable=False, elem_id="example")
                    file = gr.UploadButton(
                        "Upload MIDI or MusicXML", elem_id="upload",
                        file_types=[".mid", ".midi", ".kar", ".rmi", ".musicxml", ".xml", ".mxl"],
                    )  # fmt: skip
                    remove = gr.Button("Remove file", visible=False, elem_id="remove")
                part("said")
                part("keyboard", "keyboard")
        with gr.Row(elem_id="downloads"):
            saves = {name: gr.Button(f.title, elem_id=f"save-{name}") for name, f in FORMATS.items()}
            files = {name: gr.DownloadButton(visible="hidden", elem_id=f"file-{name}") for name in FORMATS}
        part("notes-text", "notes")

        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        now = {**quiet, "queue": False}
        settings = [model, style, notes, upload, bars, meter, mix, temperature, top_p, seed]
        for button, view, compose, shown, kept in (
            (go, "compose", session.compose, stage, work), (go_all, "compare", comparison.compare, rows, answers),
        ):  # fmt: skip
            composing = button.click(
                asking(compose), [run, control, anew, *settings], [shown, kept, seed],
                js="(run, ...rest) => [window.MusicgenPage.ask(), ...rest]",
                concurrency_id="models", concurrency_limit=2, **quiet,
            )  # fmt: skip
            composing.failure(None, js=f"() => window.MusicgenPage.failed({view!r}, {BUSY!r})")
        stop.click(
            session.Control.stop, [control, run], js="(control, run) => [control, window.MusicgenPage.stop()]", **now
        )

        seeds = [style, notes, upload, bars, meter, mix]
        gr.on(
            [page.load, style.change, notes.change, bars.change, meter.change],
            preview, seeds, stage, trigger_mode="always_last", **now,
        )  # fmt: skip
        style.input(mixer_for, [style, mix], mix, trigger_mode="always_last", **now)
        notes.input(type_notes, None, [upload, remove, example], **now).then(preview, seeds, stage, **now)
        remove.click(drop_file, None, [upload, remove], **now).then(preview, seeds, stage, **now)
        taken = [style, meter, bars, mix, stage, upload, remove]
        example.input(take_example, [example, bars, mix], [notes, *taken], trigger_mode="always_last", **now)
        file.upload(take_file, [file, bars, mix], taken, **now)
        for name in FORMATS:
            made = saves[name].click(
                save(name), [row, work, answers, mix], files[name],
                js="(row, ...rest) => [window.MusicgenPage.row(), ...rest]", concurrency_id="files", **quiet,
            )  # fmt: skip
            made.success(None, js=f"() => document.querySelector('#file-{name}').click()")
    return page


def launch(**options):
    """Start the server; options as of `gradio.Blocks.launch`."""
    theme = gr.themes.Base(
        font=["ui-sans-serif", "system-ui", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    samples = Mount("/web/samples", StaticFiles(directory=WEB / "samples"))
    head = f"<style>{web('style.css')}</style>" + "".join(f"<script>{web(name)}</script>" for name in SCRIPTS)
    return build().queue(max_size=24, default_concurrency_limit=1).launch(
        theme=theme, head=head, max_file_size=LARGEST_UPLOAD, ssr_mode=False, show_error=False, footer_links=[],
        app_kwargs={"routes": [samples]}, **options,
    )  # fmt: skip


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if selftest.run() else 1)
    launch()
