"""How a model is built, drawn as SVG from a compact description.

A diagram is a row of stages from left to right, each a stack of boxes. Two stages of as many boxes are joined box by
box, others all with all. The ground is painted, so that the drawing is legible on a dark page too.
"""

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from textwrap import wrap

from musicgen.io.picture import INK, PAPER, SEED_GROUND

FILLS = {"given": SEED_GROUND, "learned": "#cfe6f5", "drawn": "#f9dcc4"}  # data, weights, chance
WIDTH, LINE, GAP, ROW_GAP, MARGIN = 136, 17, 34, 26, 22  # of a box and of what lies between, in pixels
LETTERS = 18  # a line of a box
PADDING = 10


@dataclass(frozen=True)
class Box:
    text: str
    kind: str = "learned"  # a key of FILLS
    again: bool = False  # it keeps a state from step to step


@dataclass(frozen=True)
class Diagram:
    stages: tuple[tuple[Box, ...], ...]
    feedback: str = ""  # what goes back from the last stage to the first


def draw(diagram: Diagram, title: str) -> str:
    """The SVG's text."""
    lines = [[wrap(box.text, LETTERS, break_on_hyphens=False) for box in stage] for stage in diagram.stages]
    heights = [[len(text) * LINE + 2 * PADDING for text in stage] for stage in lines]
    totals = [sum(stage) + ROW_GAP * (len(stage) - 1) for stage in heights]
    top = 2 * MARGIN
    middle = top + max(totals) / 2
    places = []  # of every box: left, top, height
    for column, (stage, total) in enumerate(zip(heights, totals)):
        tops = [middle - total / 2 + sum(stage[:i]) + ROW_GAP * i for i in range(len(stage))]
        places.append([(MARGIN + column * (WIDTH + GAP), y, h) for y, h in zip(tops, stage)])
    width = 2 * MARGIN + len(places) * (WIDTH + GAP) - GAP
    bottom = top + max(totals)
    height = bottom + (2 * MARGIN if diagram.feedback else MARGIN) + LINE
    parts = [_arrow(a, b) for before, after in pairwise(places) for a, b in _joined(before, after)]
    for stage, texts, boxes in zip(places, lines, diagram.stages):
        parts += [_box(place, text, box) for place, text, box in zip(stage, texts, boxes)]
    if diagram.feedback:
        parts.append(_feedback(places[-1][-1], places[0][-1], bottom + MARGIN, diagram.feedback))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" '
        f'font-family="sans-serif" font-size="13" role="img"><title>{escape(title)}</title>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>\n'
        f'<rect width="{width}" height="{height:g}" rx="10" fill="{PAPER}"/>\n'
        + "\n".join([*parts, _legend()])
        + "\n</svg>\n"
    )


def _joined(before: list, after: list) -> list[tuple]:
    if len(before) == len(after):
        return list(zip(before, after))
    return [(a, b) for a in before for b in after]


def _path(way: str) -> str:
    return f'<path d="{way}" fill="none" stroke="{INK}" stroke-width="1.4" marker-end="url(#tip)"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="{INK}">{escape(text)}</text>'


def _arrow(start: tuple, stop: tuple) -> str:
    (x, y, h), (x2, y2, h2) = start, stop
    return _path(f"M{x + WIDTH} {y + h / 2:g}L{x2 - 1} {y2 + h2 / 2:g}")


def _box(place: tuple, text: list[str], box: Box) -> str:
    x, y, height = place
    shape = (
        f'<rect x="{x}" y="{y:g}" width="{WIDTH}" height="{height}" rx="7" fill="{FILLS[box.kind]}" stroke="{INK}"/>'
    )
    middle = x + WIDTH / 2
    said = "".join(_text(middle, y + PADDING + LINE * (i + 0.75), line) for i, line in enumerate(text))
    loop = _path(f"M{middle + 18:g} {y:g}c8 -24 -44 -24 -36 -1") if box.again else ""
    return shape + said + loop


def _feedback(last: tuple, first: tuple, below: float, text: str) -> str:
    start, stop = last[0] + WIDTH / 2, first[0] + WIDTH / 2
    way = f"M{start:g} {last[1] + last[2]:g}V{below:g}H{stop:g}V{first[1] + first[2] + 1:g}"
    return _path(way) + _text((start + stop) / 2, below + LINE, text)


def _legend() -> str:
    """What the fills mean, along the top."""
    parts = []
    for i, (kind, fill) in enumerate(FILLS.items()):
        x = MARGIN + 84 * i
        parts.append(f'<rect x="{x}" y="10" width="12" height="12" rx="3" fill="{fill}" stroke="{INK}"/>')
        parts.append(f'<text x="{x + 17}" y="20" font-size="11" fill="{INK}">{kind}</text>')
    return "".join(parts)
