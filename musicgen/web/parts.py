"""The page's custom parts: each has a template (`parts/<name>.html`), a style (`css/<name>.css`) and a script.

Scripts are ES modules below `js/`, served as one (`scripts.py`). Its address holds its hash, so that a browser may keep
it for ever. The parts are not subclasses of `gr.HTML`: Gradio
writes a `.pyi` file beside the source of every subclass, each time it is imported.
"""

import hashlib
import json
import re
from html import escape
from pathlib import Path

import gradio as gr
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from .scripts import as_function, joined

HERE = Path(__file__).parent
GRADIO = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
LATE_CHUNKS = ("Blocks-*.js", "HTML-*.js")  # of Gradio's chunks, those that it asks for last
CONNECTION = (HERE / "js" / "connection.js").read_text(encoding="utf-8")  # imports nothing
SCRIPT = joined(HERE / "js", "page")
PAGE_SCRIPT = f"web/{hashlib.sha256(SCRIPT.encode()).hexdigest()[:12]}/page.js"  # relative to the page
PAGE_PICTURE = "web/page.png"
TITLE = "Nonet: nine networks, one tune"
SENTENCE = "Give a few notes, and one of nine neural networks composes the rest while you listen."
YEAR = 365 * 24 * 3600  # seconds


def part(name: str, value=None, script: str = "", html: str = "", **props) -> gr.HTML:
    """A fixed template, brought to life by a script.

    Args:
        name: the element's id.
        value: what the component holds at first.
        script: the function of page.js that brings it to life and may trigger its events; without one it
            stays as it is.
        html: the template's name, if not the same.
        props: what the script reads besides.
    """
    load = f"{imported()}.then(page => page.{script}(element, props, watch, trigger));" if script else None
    return gr.HTML(
        value, html_template=template(html or name), js_on_load=load, apply_default_css=False, elem_id=name, **props
    )


def template(name: str) -> str:
    """A part's HTML; where it names another part's file in a comment, that file stands there."""
    text = (HERE / "parts" / f"{name}.html").read_text(encoding="utf-8")
    return re.sub(r"<!-- (\w+)\.html -->", lambda named: template(named[1]), text)


def header() -> gr.HTML:
    return part("header", script="header")


def notices() -> gr.HTML:
    """What does not work at present: no connection, nothing kept."""
    return part("notices", script="notices")


def cards(value: str, cards: list[dict], missing: list[str]) -> gr.HTML:
    """The architectures, and what is said of those that are not there; its value is the chosen one's name."""
    return part("cards", value, script="cards", cards=cards, missing=missing)


def stage(value: dict, meters: dict, styles: dict, limits: dict) -> gr.HTML:
    """One model's piece.

    Args:
        value: the last update of `musicgen.session`, at first the seed of a new visit.
        meters, styles: by name, what the page needs to draw a piece.
        limits: of a request's fields, each the least and the most.
    """
    return part("stage", value, script="stage", meters=meters, styles=styles, limits=limits)


def takes() -> gr.HTML:
    """Every result, kept in the browser."""
    return part("takes", script="takes")


def place() -> gr.HTML:
    """Where Gradio writes how many wait; the page reads it and says it in its own words, beside the piece."""
    return part("place", script="place")


def rework() -> gr.HTML:
    """Select, compose again, keep, free, loop; harmonise and continue."""
    return part("rework", script="reworkPart")


def rows(name: str, rows: list[dict]) -> gr.HTML:
    """Pieces side by side, `rows` every model's, `trio` three of one; its value is the last update of `comparison`."""
    return part(name, html="rows", script=name, rows=rows)


def transport(value: dict, choices: list[dict], voices: list[str]) -> gr.HTML:
    """Play, tempo, volume, instruments; its value is the last three."""
    return part("transport", value, script="transport", choices=choices, voices=voices)


def example(value: str, names: list[str]) -> gr.HTML:
    """The tunes to begin with; its value is the chosen one's name, none where the seed is another."""
    return part("example", value, script="example", names=names)


def keyboard() -> gr.HTML:
    return part("keyboard", script="keyboard")


def notes_text() -> gr.HTML:
    return part("notes-text", script="notesText")


def said() -> gr.HTML:
    """What became of the seed, in words."""
    return part("said", script="saidPart")


def imported() -> str:
    """An expression: the promise of page.js, one for the whole page."""
    return f'import(new URL("{PAGE_SCRIPT}", document.baseURI))'


def hook(name: str, takes=(), gives=(), **more) -> str:
    """What an event runs in the browser: a function of page.js that takes and gives values by name.

    `takes` names the values that come in, in order; `gives` those that go out, by default the same. What the function
    does not give passes through as it came. `more` is handed on to it.
    """
    values = ", ".join(takes)
    out = f"[{', '.join(f'made.{name}' for name in gives or takes)}]"
    given = f"{{{values}{', ' * bool(takes)}...{json.dumps(more)}}}"
    return f"async ({values}) => {{ const page = await {imported()}, given = {given}; const made = {{...given, ...await page.{name}(given)}}; return {out}; }}"  # noqa: E501


def head() -> str:
    """What a link to the page shows elsewhere, and hints to load all scripts at once, not one import after another."""
    about = {"og:type": "website", "og:url": "{address}/", "og:image": f"{{address}}/{PAGE_PICTURE}"}
    about |= {"og:title": TITLE, "og:description": SENTENCE, "twitter:card": "summary_large_image"}
    metas = "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in about.items())
    described = f'<meta name="description" content="{escape(SENTENCE)}">'
    scripts = [*(f"assets/{name}" for name in chunks()), PAGE_SCRIPT]
    hints = "".join(f'<link rel="modulepreload" href="{script}">' for script in scripts)
    first = f"<script>{as_function('connection', CONNECTION)} $connection.guard(window);</script>"  # no module: at once
    return first + described + metas + hints


def chunks() -> list[str]:
    """The names of Gradio's `LATE_CHUNKS` after all that they import; none that its version does not have."""
    found: dict[str, None] = {}

    def need(name: str):
        if name not in found and (GRADIO / name).is_file():
            for other in re.findall(r'(?:from|import)"\./([\w.-]+\.js)"', (GRADIO / name).read_text(encoding="utf-8")):
                need(other)
            found[name] = None

    for pattern in LATE_CHUNKS:
        for path in GRADIO.glob(pattern):
            need(path.name)
    return list(found)


def shell() -> str:
    """What is seen while the page comes, and the styles, base first: in the body they come after Gradio's own."""
    styles = sorted((HERE / "css").glob("*.css"), key=lambda path: (path.name != "base.css", path.name))
    style = "\n".join(path.read_text(encoding="utf-8") for path in styles)
    return f"<style>{style}</style>{template('shell')}"


def routes() -> list[BaseRoute]:
    lasting = {"Cache-Control": f"public, max-age={YEAR}, immutable"}  # its address changes with its content
    return [
        Route(f"/{PAGE_SCRIPT}", lambda _: Response(SCRIPT, media_type="text/javascript", headers=lasting)),
        Mount("/web/samples", StaticFiles(directory=HERE / "samples")),
        Route(f"/{PAGE_PICTURE}", lambda _: FileResponse(HERE / "page.png")),
    ]
