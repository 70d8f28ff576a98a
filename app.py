"""The page: widgets and their wiring. What they mean is in `musicgen`; how they look and sound is in `musicgen/web`."""

import argparse
import ctypes
import inspect
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))  # a summary of all events after each, unread
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a beat is many small tensors: more threads only wait for each other
if "PORT" in os.environ:
    os.environ.setdefault("GRADIO_SERVER_PORT", os.environ["PORT"])
if "GRADIO_SERVER_PORT" in os.environ:
    os.environ.setdefault(
        "GRADIO_NUM_PORTS", "1"
    )  # this one and no other, where others would look for the page in vain

from musicgen.web import files  # which says where Gradio keeps them

try:  # on a ZeroGPU Space, where it has to come before torch
    import spaces  # pyright: ignore
except ImportError:
    spaces = None

import gradio as gr
from gradio.events import api as gradio_api
from gradio.themes import Base

from musicgen import api, checkpoint, comparison, fields, piece, recipe, selftest, session
from musicgen.export import FORMATS
from musicgen.io.audio import INSTRUMENTS, AudioError, default_instruments, telling
from musicgen.io.seeds import EXAMPLES, FILE_ENDINGS, Seed, SeedError, from_every_part
from musicgen.models import MODELS
from musicgen.request import LARGEST_FILE, LIMITS, LONGEST_NAME, Given, Problem, Request, new_random_seed
from musicgen.score import MAX_BARS, METERS, METERS_BY_LENGTH, STYLES, VOICES, ScoreError
from musicgen.web import address, front, guard, parts

WAITING = 100  # visitors at most, for others to have composed
AT_THE_END = (10**9, 1)  # when Gradio deletes the files it knows of; until then `files` does
SESSIONS = 200  # visitors whose state Gradio holds, a quarter of a megabyte each; it is a Control, made anew if lost
BUSY = "The server did not answer: it may be busy. Wait a moment, then try again."
TRIM = 30  # seconds until memory that is free is given back again
VOLUME = 0.8  # of 1, at first
_log = logging.getLogger("musicgen.app")
SETTINGS = ("model", "style", "notes", "bars", "meter", "temperature", "top_p", "random_seed")  # of a request


def by_name(act, takes: dict, gives: dict) -> dict:
    """An event's arguments for Gradio, which passes by position: `act` takes and gives values by name.

    They come as they were sent, whatever they are: what is wrong is told by `Request`, at its field. What `act` does
    not give, the page keeps.
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
    return {"fn": act_all, "inputs": list(takes.values()), "outputs": list(gives.values()), "preprocess": False}


# ---- what the cards say ------------------------------------------------------------------------------------------


def cards() -> list[dict]:
    def card(name: str) -> dict:
        about = {"title": MODELS[name].title, "summary": MODELS[name].summary, "weights": session.weights(name)}
        cost = checkpoint.in_words(checkpoint.figures(name))
        return {"name": name, "cost": cost, "styles": checkpoint.styles(name), **about}

    return [card(name) for name in checkpoint.available()]


def missing() -> list[str]:
    """A sentence for each architecture that cannot be had, and why."""
    faults = {model.title: checkpoint.fault(name) for name, model in MODELS.items()}
    return [f"{title} is missing: {fault}." for title, fault in faults.items() if fault]


def frames() -> dict:
    """What the page needs to draw a piece that it knows by style and meter alone, and what may be asked for."""
    meters = {name: {"steps": meter.steps, "beat": meter.beat} for name, meter in METERS.items()}
    styles = {n: {**session.roll_of(n), "ranges": [list(pair) for pair in style.ranges]} for n, style in STYLES.items()}
    limits = {name: [x.low, x.high] for name, x in LIMITS.items()}
    return {"meters": meters, "styles": styles, "limits": {**limits, "piece": [1, MAX_BARS]}}  # bars of any piece


# ---- what the events do ------------------------------------------------------------------------------------------


def request_for(call: Any, mixer: Any, **settings) -> Request:
    """The request for what is set, or for the `canvas` that the page sends along. Raises `Problem`."""
    known = {name: settings[name] for name in SETTINGS if name in settings}
    if table(call).get("canvas"):
        drawn = {name: known[name] for name in ("model", "temperature", "top_p", "random_seed") if name in known}
        return Request.filling(Given.from_page(call["canvas"]).canvas, **drawn)
    known["notes"] = known["notes"] or ""
    given, tempo = table(call).get("given"), table(mixer).get("tempo")
    return Request(tempo=tempo, given=Given.from_page(given) if given else None, **known)


def table(sent: Any) -> dict:
    """What was sent, if it is a table; else an empty one."""
    return sent if isinstance(sent, dict) else {}


def run_of(call: Any) -> str:
    return str(table(call).get("run"))[:80]


def preview(call, **settings) -> dict:
    if table(call).get("shown"):  # a new visit's seed came with the page
        return {}
    try:
        shown = session.preview(request_for(call, **settings))
    except Problem as problem:
        shown = session.trouble(problem)
    version = table(call).get("version")  # that of the seed this answers
    version = version if type(version) is int and abs(version) < 2**53 else 0
    # new each time, since the page skips repeats
    return {"stage": {**shown, "sent": time.monotonic_ns(), "version": version}}


def asking(compose, shown: str):
    """What a click begins: `compose` is `session.compose`, or `comparison.compare` or `takes` for several answers.

    The page's `call` holds the `run`, music `given` as a seed, and a `canvas` if that and nothing else is to be filled.
    """

    def ask(call, control, anew, random_seed, **settings):
        run, random_seed = run_of(call), new_random_seed() if anew else random_seed
        try:
            request = request_for(call, random_seed=random_seed, **settings)
            if request.is_filled():
                request = request.with_room()
        except Problem as problem:
            yield {shown: session.trouble(problem, run)}
            return
        for update, _ in compose(request, run, control):
            begins = update["kind"] in ("begin", "rows")  # told later, the seed would undo what is typed meanwhile
            yield {shown: update, **({"random_seed": random_seed} if begins else {})}

    return ask


def stop_run(control: session.Control, call: Any):
    control.stop(run_of(call))


def mixer_for(style: Any, meter: Any, mixer: Any, tempo: float | None = None) -> dict:
    """A style's instruments and usual tempo, or `tempo`; but the one that the visitor has chosen stays."""
    if style not in list(STYLES) or meter not in list(METERS):
        return {}
    volume = table(mixer).get("volume", VOLUME)
    volume = volume if type(volume) in (int, float) and 0 <= volume <= 1 else VOLUME
    kept = {} if tempo else chosen_tempo(mixer)
    set_to = {"tempo": tempo or STYLES[style].tempo_in(meter), **kept}
    return {"mixer": {**set_to, "volume": volume, "instruments": list(default_instruments(style))}}


def tempo_for(style: Any, meter: Any, mixer: Any) -> dict:
    """A meter's usual tempo, all else as it is; nothing if the visitor has chosen a tempo."""
    if style not in list(STYLES) or meter not in list(METERS) or chosen_tempo(mixer):
        return {}
    return {"mixer": {**table(mixer), "tempo": STYLES[style].tempo_in(meter)}}


def chosen_tempo(mixer: Any) -> dict:
    """The tempo, if it was set by hand or has come with a piece, and that it was."""
    tempo, chosen = table(mixer).get("tempo"), table(mixer).get("chosen") is True
    return {"tempo": tempo, "chosen": True} if chosen and LIMITS["tempo"].holds(tempo) else {}


def take_example(example: Any, bars: Any, mixer: Any) -> dict:
    chosen = next((e for e in EXAMPLES if e.name == example), EXAMPLES[0])
    bars = bars if LIMITS["bars"].holds(bars) else Request.bars
    request = Request(style=chosen.style, notes=chosen.text, meter=chosen.meter, tempo=chosen.tempo)
    return {"notes": chosen.text, **settled(request, bars, mixer)}


def take_file(file) -> dict:
    """A file, read once, is handed to the page as the music given, with the recipe that it carries; one that cannot be
    read changes nothing.
    """
    if file is None:  # it did not come whole
        return {}
    name, data, sent = Path(file).name, Path(file).read_bytes(), time.monotonic_ns()
    if drawn := recipe.of_picture(data):
        return {"stage": {"kind": "recipe", "recipe": drawn, "sent": sent}}
    try:
        seed, *others = from_every_part(name, data)
    except (SeedError, ScoreError) as error:
        return {"stage": session.trouble(Problem("upload", str(error)))}
    tunes = [{"part": other.tune.label, **heard(other, name)} for other in others if other.tune]
    if tunes and not seed.tune:
        tunes.insert(0, {"part": "by height", **heard(seed, name)})
    about = {"tunes": tunes, "tune": seed.parts.index(seed.tune) if seed.tune else 0}
    known = recipe.fragment(seed.recipe)
    return {"stage": {"kind": "given", **heard(seed, name), **about, "recipe": known, "sent": sent}}


def heard(seed: Seed, name: str) -> dict:
    """The music of a file as the page holds it, and what is said of it."""
    given = {**piece.write(seed.canvas.score, seed.canvas.fixed), "name": name[:LONGEST_NAME]}
    return {"given": given, "said": seed.message}


def settled(request: Request, bars: int, mixer: dict) -> dict:
    """A new seed's style, meter, length, playback and preview."""
    request = replace(request, bars=bars).with_room()
    mixer = mixer_for(request.style, request.meter, mixer, request.tempo)
    about = {"style": request.style, "meter": request.meter, "bars": request.bars}
    return {**about, **mixer, "stage": session.preview(request)}


def save(name: str):
    def write(call) -> dict:
        """The piece that the page shows, as a file."""
        asked = table(call)
        model, seed, instruments = asked.get("model"), asked.get("random_seed", 0), asked.get("instruments")
        if not asked.get("piece"):
            raise gr.Error("There is nothing to download yet: let a model compose first.", print_exception=False)
        try:
            score, fixed = piece.read(asked["piece"])
            model = model if model in list(MODELS) else "unknown"  # it becomes a part of the file's name
            seed = seed if LIMITS["random_seed"].holds(seed) else 0  # so does it
            work = session.Composition(score, fixed, model, seed, recipe.checked(asked.get("recipe")))
            chosen = [*(instruments if isinstance(instruments, list) else []), *4 * [""]][:4]
            keys = [key if key in list(INSTRUMENTS) else "piano" for key in chosen]
            with telling(gr.Warning):
                data = FORMATS[name].make(work, keys)
            return {"file": files.stored(f"{work.name}.{FORMATS[name].ending}", data)}
        except (ScoreError, AudioError) as error:
            raise gr.Error(f"This piece cannot be saved: {error}.", print_exception=False) from error
        except OSError as error:
            raise gr.Error(f"The server could not keep the file: {error.strerror}.", print_exception=False) from error

    return write


# ---- what programs and agents call -------------------------------------------------------------------------------


def endpoint(function):
    """It as Gradio calls it, with its signature; what is wrong is told in a sentence that begins with the argument."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*arguments, **named):
        given = signature.bind(*arguments, **named).arguments
        try:
            if "piece" in given:
                given["piece"] = files.brought(given["piece"])
            return address.linked(function(**given))
        except FileNotFoundError:
            raise gr.Error(
                "piece: This file is not on the server, or no longer: send it again.", title="", print_exception=False
            ) from None
        except Problem as problem:
            raise gr.Error(f"{problem.field}: {problem}", title="", print_exception=False) from problem

    return call


def describe(page: gr.Blocks):
    """Say to HTTP clients and agents what each argument and each field of an answer is, and their limits."""
    for event in page.fns.values():
        if event.fn is None or event.api_visibility != "public":
            continue
        takes: Any = event.inputs
        gives: Any = event.outputs
        for component, parameter in zip(takes, inspect.signature(event.fn).parameters.values()):
            schema = fields.ARGUMENTS[parameter.name].schema(parameter.default)
            component._api_info = {**schema, "additional_description": schema["description"]}
        for component in gives:
            component._api_info = fields.described(component._api_info)


def render(piece: api.HandedOver, format: api.Format = "midi", instruments: list[str] | None = None) -> gr.FileData:
    with telling(gr.Warning):
        name, data = api.render(piece, format, instruments)
    path = files.stored(name, data)
    file = gr.FileData(path=path, url=f"/gradio_api/file={path}", orig_name=name, size=len(data))
    sent: Any = file.model_dump()  # Gradio reads the signature for its schema, and sends a dict
    return sent


render.__doc__ = api.render.__doc__


if spaces:

    @spaces.GPU
    def nothing_here_needs_a_gpu():
        """A ZeroGPU Space starts only where a function is marked for its GPU; a processor composes faster than one."""


# ---- the page ----------------------------------------------------------------------------------------------------


def slider(field: str, step: float, **look) -> gr.Slider:
    """One over all that a request's field may hold, at its default."""
    limit = LIMITS[field]
    return gr.Slider(limit.low, limit.high, getattr(Request, field), step=step, **look)


def build() -> gr.Blocks:
    first = EXAMPLES[0]
    mixer = {"tempo": first.tempo, "volume": VOLUME, "instruments": list(default_instruments(first.style))}
    with gr.Blocks(title=parts.TITLE, analytics_enabled=False, fill_width=True, delete_cache=AT_THE_END) as page:
        control = gr.State(session.Control())
        call = gr.JSON(visible=False)  # what the page itself knows and sends along: see the hooks of page.js
        parts.header()
        parts.notices()
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="panel"):
                model = parts.cards(checkpoint.best(), cards(), missing())
                styles = [(name.capitalize(), name) for name in STYLES]
                style = gr.Radio(styles, value=first.style, label="Style", elem_id="style")
                bars = slider("bars", 1, label="Length in bars", elem_id="bars")
                temperature = slider(
                    "temperature", 0.05, label="Temperature", elem_id="temperature",
                    info="0 plays safe, above 1 surprises.",
                )  # fmt: skip
                with gr.Accordion("More: meter, top-p, random seed", open=False, elem_id="more"):
                    meter = gr.Radio(METERS_BY_LENGTH, value=first.meter, label="Meter", elem_id="meter")
                    top_p = slider(
                        "top_p", 0.01, label="Top-p", elem_id="top-p",
                        info="Below 1, the least likely notes are left out.",
                    )  # fmt: skip
                    random_seed = gr.Number(7, precision=0, label="Random seed", elem_id="random-seed")
                    anew = gr.Checkbox(True, label="New random seed each time", elem_id="anew")
                with gr.Row(elem_id="actions"):
                    generate = gr.Button("Generate", variant="primary", elem_id="generate")
                    three = gr.Button("Three takes", visible="hidden", elem_id="three")  # pressed by the page
                    compare_all = gr.Button("Compare all", variant="primary", elem_id="compare-all")
                    stop = gr.Button("Stop", elem_id="stop")
            with gr.Column(elem_id="play"):
                opening = Request(style=first.style, notes=first.text, meter=first.meter, tempo=first.tempo)
                stage = parts.stage(session.preview(opening), **frames())
                place = parts.place()
                parts.rework()
                rows = parts.rows("rows", cards())
                trio = parts.rows(
                    "trio", [{"name": row, "title": f"{row.capitalize()} take", "cost": ""} for row in comparison.TAKES]
                )
                sounds = [{"key": key, "title": instrument.title} for key, instrument in INSTRUMENTS.items()]
                mix = parts.transport(mixer, sounds, [voice.capitalize() for voice in VOICES])
                parts.takes()
                with gr.Row(elem_id="seed"):
                    notes = gr.Textbox(first.text, label="Seed notes", lines=2, max_lines=4, elem_id="notes")
                    example = parts.example(first.name, [e.name for e in EXAMPLES])
                    file = gr.UploadButton(
                        "Upload MIDI, MusicXML, ABC", elem_id="upload",
                        file_types=[*FILE_ENDINGS, ".png"],
                    )  # fmt: skip
                parts.said()
                parts.keyboard()
        apply = gr.Button("Apply", visible="hidden", elem_id="apply")  # pressed by the page, to set the widgets anew
        unname = gr.Button("Unname", visible="hidden", elem_id="unname")  # pressed by it where no example is the seed
        leaves = {
            v: gr.Button(visible="hidden", elem_id=f"leave-{v}") for v in ("compose", "compare", "trio")
        }  # by the page, too
        with gr.Row(elem_id="downloads"):
            saves = {name: gr.Button(f.title, elem_id=f"save-{name}") for name, f in FORMATS.items()}
            made = {name: gr.DownloadButton(visible="hidden", elem_id=f"file-{name}") for name in FORMATS}
        parts.notes_text()

        for function in (api.compose, api.harmonise, api.repair, api.compare):
            gradio_api(endpoint(function), concurrency_id="models", concurrency_limit=2)
        gradio_api(endpoint(api.models), queue=False)
        gradio_api(endpoint(api.read), concurrency_id="files")
        gradio_api(endpoint(render), concurrency_id="files")
        describe(page)

        wire(
            control=control, call=call, anew=anew, stage=stage, rows=rows, mixer=mix, example=example, file=file,
            model=model, style=style, notes=notes, bars=bars, meter=meter, temperature=temperature, top_p=top_p,
            random_seed=random_seed, generate=generate, compare_all=compare_all, stop=stop, apply=apply, unname=unname,
            place=place, leaves=leaves, saves=saves, files=made, page=page,
            trio=trio, three=three,
        )  # fmt: skip
    return page


def wire(page, **part):
    """What happens when; every event names what it takes and gives."""

    def some(*names) -> dict:
        return {name: part[name] for name in names}

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    now = {**quiet, "queue": False}
    latest = {**now, "trigger_mode": "always_last"}
    asked = some("call", "control", "anew", "mixer", *SETTINGS)
    for button, view, compose, shown in (
        ("generate", "compose", session.compose, "stage"), ("compare_all", "compare", comparison.compare, "rows"),
        ("three", "trio", comparison.takes, "trio"),
    ):  # fmt: skip
        composing = part[button].click(
            **by_name(asking(compose, shown), asked, some(shown, "random_seed")),
            js=parts.hook("ask", asked), concurrency_id="models", concurrency_limit=2,
            **{**quiet, "show_progress": "full", "show_progress_on": part["place"]},
        )  # fmt: skip
        composing.failure(None, js=parts.hook("failed", view=view, most=WAITING, message=BUSY))
        part["leaves"][view].click(None, cancels=composing, **now)
    stopped = some("control", "call")
    part["stop"].click(**by_name(stop_run, stopped, {}), js=parts.hook("stop", stopped), **now)

    seed = some("call", "style", "notes", "bars", "meter", "mixer")
    show = {**by_name(preview, seed, some("stage")), "js": parts.hook("seed", seed), **latest}
    gr.on([part[name].change for name in ("style", "notes", "bars", "meter")], **show)
    tuned = some("style", "meter", "mixer")
    part["style"].input(**by_name(mixer_for, tuned, some("mixer")), **latest)
    part["meter"].input(**by_name(tempo_for, tuned, some("mixer")), **latest)
    part["unname"].click(None, None, part["example"], js="() => null")
    asks, gets = some("example", "bars", "mixer"), some("notes", "style", "meter", "bars", "mixer", "stage")
    part["example"].input(**by_name(take_example, asks, gets), js=parts.hook("exampled", asks), **latest)
    upload = {**by_name(take_file, some("file"), some("stage")), "preprocess": True}  # only what was uploaded is a file
    part["file"].upload(**upload, concurrency_id="uploads", **quiet)

    kept = some(*SETTINGS, "anew", "example", "mixer")  # all that the page keeps, undoes and shares
    widgets = [*kept.values()]
    gr.on([widget.change for widget in widgets], None, widgets, js=parts.hook("changed", kept))
    for trigger, function in ((page.load, "opened"), (part["apply"].click, "applied")):
        trigger(None, widgets, widgets, js=parts.hook(function, kept)).then(**show)

    for name in FORMATS:
        wanted = some("call")
        made = part["saves"][name].click(
            **by_name(save(name), wanted, {"file": part["files"][name]}),
            js=parts.hook("saved", wanted, format=name), concurrency_id="files", **quiet,
        )  # fmt: skip
        made.success(None, js=parts.hook("written", format=name))
        made.failure(None, js=parts.hook("unwritten", format=name, message=f"No {FORMATS[name].title} was made."))


def accelerate():
    checkpoint.accelerate()
    _log.info("ready", extra={"about": {"models": checkpoint.available()}})


def keep_memory_level():
    """One heap for all threads, or it grows by the holes in each, and what is free in it given back now and then."""
    with suppress(OSError, AttributeError, TypeError):  # not glibc
        heap = ctypes.CDLL(None)
        heap.mallopt(-8, 1)  # M_ARENA_MAX
        threading.Thread(target=trim, args=(heap,), daemon=True).start()


def trim(heap: ctypes.CDLL):
    while True:
        heap.malloc_trim(0)
        time.sleep(TRIM)


def launch(**options):
    """Start the server, and let the models become faster meanwhile; options as of `gradio.Blocks.launch`."""
    keep_memory_level()
    guard.log_to(sys.stderr)
    for sentence in missing():
        _log.warning(sentence)
    threading.Thread(target=accelerate, daemon=True).start()
    theme = Base(
        font=["ui-sans-serif", "system-ui", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    served = {"routes": parts.routes(), "middleware": front.middleware(parts.head(), parts.shell())}
    if find_spec("mcp"):
        from musicgen.web import agents

        agents.serve()
    page = build().queue(status_update_rate=1, default_concurrency_limit=1)
    files.keep_swept(page.temp_file_sets)
    guard.limit(page._queue, "models", WAITING)
    guard.rest(page._queue)
    return page.launch(
        theme=theme, max_file_size=LARGEST_FILE, ssr_mode=False, show_error=False, footer_links=[],
        state_session_capacity=SESSIONS, _app=guard.GuardedApp(**served),
        _frontend=False,  # else a page that takes 3 s at first would count as no page
        **options,
    )  # fmt: skip


def main(arguments: list[str], program: str = "python app.py") -> int | str:
    """What the process ends with: 0, 1, or a sentence that says what is missing."""
    parser = argparse.ArgumentParser(
        prog=program, description="Serve the page, and the same to programs.", allow_abbrev=False
    )
    parser.add_argument("--check", action="store_true", help="check that everything is installed and can make sound")
    parser.add_argument("--mcp", action="store_true", help="also serve the endpoints as MCP tools, for agents")
    options = parser.parse_args(arguments)
    if options.check:
        return 0 if selftest.run() else 1
    if options.mcp and not find_spec("mcp"):
        return "MCP needs a package that is not installed: pip install 'gradio[mcp]'"
    try:
        launch(mcp_server=options.mcp or None)  # None leaves it to Gradio's own settings
    except guard.BadSetting as error:
        return str(error)
    except OSError as error:  # no port is free
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # at once: the thread that makes graphs cannot be ended
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
