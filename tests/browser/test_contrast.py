"""Every voice stands out from what is behind it, by the pixels on the screen, in Chromium."""

import pytest
from playwright.sync_api import expect
from visitor import composed, set_length

ENOUGH = 3  # to 1, as WCAG asks of what is not text
VOICES = "satb"
PIXELS = """roll => {  // of each note's box: linear light with the notes and without them
    const {notes, geometry, scale, canvas} = roll, pen = canvas.getContext("2d");
    const light = byte => byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4;
    const boxes = note => [...geometry.boxes(note)].filter(box => box.width >= 3);  // with room for anything
    const seen = () => notes.map(note => boxes(note).map(({x, y, width, height}) => {
        const [left, top, right, foot] = [x, y, x + width, y + height].map(at => at * scale);
        const [from, above] = [Math.ceil(left), Math.ceil(top)];  // of the pixels that it covers as a whole
        const size = [Math.floor(right) - from, Math.floor(foot) - above].map(pixels => Math.max(1, pixels));
        const {data} = pen.getImageData(from, above, ...size);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) {
            sum += 0.2126 * light(data[i]) + 0.7152 * light(data[i + 1]) + 0.0722 * light(data[i + 2]);
        }
        return sum / (data.length / 4);
    }));
    for (const note of notes) note.born = 0;
    roll.draw();
    const with_ = seen();
    roll.notes = [];
    roll.draw();
    const without = seen();
    roll.notes = notes;
    roll.draw();
    return notes.map((note, i) => [note.voice, with_[i], without[i]]);
}"""


def least(page, roll: str) -> dict[int, float]:
    """The least contrast of each voice's notes against the ground."""
    found: dict[int, float] = {}
    for voice, notes, grounds in page.evaluate(f"({PIXELS})({roll})"):
        for note, ground in zip(notes, grounds, strict=True):
            low, high = sorted((note, ground))
            found[voice] = min(found.get(voice, 99), (high + 0.05) / (low + 0.05))
    return found


def colours(page) -> dict[str, tuple[float, ...]]:
    """Those that the page draws with, red, green, blue and alpha from 0 to 1."""
    names = [f"voice-{voice}" for voice in VOICES] + ["roll-stage", "roll-shade", "roll-seed"]
    return page.evaluate(
        """names => {
            const pen = new OffscreenCanvas(1, 1).getContext("2d");
            const style = getComputedStyle(document.querySelector(".roll"));
            return Object.fromEntries(names.map(name => {
                pen.clearRect(0, 0, 1, 1);
                pen.fillStyle = style.getPropertyValue(`--${name}`);
                pen.fillRect(0, 0, 1, 1);
                return [name, [...pen.getImageData(0, 0, 1, 1).data].map(byte => byte / 255)];
            }));
        }""",
        names,
    )


def contrast(one, other) -> float:
    def luminance(colour) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def stands_out(page, look):
    known = colours(page)
    grounds = [known["roll-stage"], known["roll-shade"]]
    *tint, alpha = known["roll-seed"]
    grounds += [[t * alpha + g * (1 - alpha) for t, g in zip(tint, ground)] for ground in grounds]
    for voice in VOICES:
        for ground in grounds:
            assert contrast(known[f"voice-{voice}"], ground) >= ENOUGH, (look, voice, ground)
    for roll in ("nonet.views.compose.sheet.roll", "nonet.views.compare.rows[0].sheet.roll"):
        found = least(page, roll)
        assert len(found) == 4
        assert min(found.values()) >= ENOUGH, (look, roll, found)


@pytest.mark.parametrize("forced", ["none", "active"])
@pytest.mark.parametrize("bars", [6, 32])
def test_every_voice_stands_out_in_light_and_dark_and_in_forced_colours(visit, forced, bars):
    page = visit()
    set_length(page, bars)
    composed(page)
    page.evaluate("""() => {
        const {sheet} = nonet.views.compose;
        nonet.views.show("compare");
        nonet.views.compare.rows[0].open(sheet.piece, sheet.rows, "done", "");
    }""")
    for scheme in ("light", "dark"):
        page.emulate_media(forced_colors=forced, color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(300)  # Gradio follows the system
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
        expect(page.get_by_label("Dark page")).to_have_attribute("aria-pressed", str(scheme == "dark").lower())
        stands_out(page, (scheme, forced))
