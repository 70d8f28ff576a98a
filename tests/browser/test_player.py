"""player.js in headless Chromium: what it plays is recorded from its last node, and the playhead held against it."""

import functools
import http.server
import threading
from pathlib import Path

import pytest

from musicgen.io.soundfont import INSTRUMENTS

WEB = Path(__file__).parents[2] / "musicgen" / "web"

RECORDER = """
async () => {  // collects the left channel of whatever leaves the player, with the clock time of its first frame
  player.unlock();
  const code = `registerProcessor("tap", class extends AudioWorkletProcessor {
    process([input]) {
      if (input[0]) this.port.postMessage([currentTime, input[0].slice(), input[1]?.slice()]);
      return true;
    }})`;
  await player.context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  const tap = new AudioWorkletNode(player.context, "tap");
  window.blocks = [];
  tap.port.onmessage = event => blocks.push(event.data);
  player.output.connect(tap);
}
"""

HELPERS = """
async () => {
const {Player} = await import("/js/player.js");
window.states = [];
window.player = new Player({samples: "/samples/"});
player.onstate = state => states.push(state);
window.sleep = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
window.until = async (condition, seconds = 60) => {
  for (let waited = 0; waited < seconds && !condition(); waited += 0.01) await sleep(0.01);
  if (!condition()) throw new Error("never: " + condition + " states " + states + " position " + player.position);
};
window.loudness = async (from, to) => {  // root mean square between two clock times, the later one past
  await until(() => blocks.at(-1)?.[0] >= to);  // what has sounded is told a little later
  let sum = 0, count = 0;
  for (const [time, left] of blocks) if (time >= from && time < to) for (const x of left) { sum += x * x; count++; }
  return Math.sqrt(sum / count);
};
window.peak = () => Math.max(...blocks.map(([, left]) => Math.max(...left.map(Math.abs))));
window.chord = (start, duration) => [72, 67, 64, 48].map((pitch, voice) => [voice, pitch, start, duration]);
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<button>play</button>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(WEB)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.fixture
def page(browser, address):
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.evaluate(HELPERS)
    page.click("button")  # browsers let a page sound only after a gesture
    page.evaluate(f"({RECORDER})()")
    yield page
    page.close()
    assert not errors


def run(page, script: str):
    return page.evaluate(f"async () => {{ {script} }}")


def test_a_chord_sounds_and_the_piece_ends(page):
    heard = run(
        page,
        """
        player.start(120, ["organ", "organ", "organ", "organ"]);
        player.play();
        player.add(chord(0, 8));
        player.finish(8);
        await until(() => player.state === "playing");
        const begin = player.context.currentTime;
        await until(() => player.state === "ended");
        await sleep(2);
        return {body: await loudness(begin + 0.2, begin + 0.9), ringing: await loudness(begin + 1.1, begin + 1.4),
                silence: await loudness(begin + 2.7, begin + 2.9), position: player.position, states, peak: peak()};
        """,
    )
    assert heard["body"] > 0.02
    assert 0.002 < heard["ringing"] < heard["body"], "the last chord must ring out"
    assert heard["silence"] < heard["ringing"] / 4
    assert heard["peak"] < 1
    assert heard["position"] == 8
    assert heard["states"] == ["waiting", "playing", "ended"]


@pytest.mark.parametrize("key", INSTRUMENTS)
def test_every_instrument_sounds_and_nothing_clips(page, key):
    heard = run(
        page,
        f"""
        player.volume = 1;
        player.start(120, Array(4).fill("{key}"));
        for (let step = 0; step < 12; step += 2) player.add(chord(step, 2));
        player.finish(12);
        player.play();
        await until(() => player.state === "playing");
        const begin = player.context.currentTime;
        await until(() => player.state === "ended");
        return {{body: await loudness(begin + 0.2, begin + 1.2), peak: peak()}};
        """,
    )
    assert 0.03 < heard["body"] < 0.5
    assert heard["peak"] < 0.98


def test_the_playhead_follows_the_sound(page):
    lag = run(
        page,
        """
        player.start(60, Array(4).fill("harpsichord"));
        player.add([[0, 72, 4, 2]], {until: 12});
        player.finish(12);
        player.play();
        await until(() => player.position > 0);
        const samples = [];
        while (player.state === "playing") {
          samples.push([player.context.currentTime, player.position]);
          await sleep(0.01);
        }
        const left = blocks.find(([, left]) => left.some(x => Math.abs(x) > 0.003))[0];
        const onset = left + player.context.outputLatency;  // when it reaches the ear
        const at = samples.findIndex(([time]) => time >= onset);
        const [[t0, s0], [t1, s1]] = [samples[at - 1], samples[at]];
        const step = s0 + (s1 - s0) * (onset - t0) / (t1 - t0);
        return {step, even: samples.every((s, i) => i === 0 || s[1] >= samples[i - 1][1])};
        """,
    )
    assert abs(lag["step"] - 4) * 0.25 < 0.05
    assert lag["even"], "the playhead never moves back"


def test_it_waits_for_notes_that_are_late_and_goes_on(page):
    heard = run(
        page,
        """
        player.start(240, Array(4).fill("organ"));
        player.play();
        player.add(chord(0, 4), {until: 4});
        await until(() => player.state === "playing");
        await until(() => player.state === "waiting");
        const stood = player.position;
        await sleep(0.3);
        const still = player.position;
        player.add(chord(4, 4), {until: 8});
        await sleep(0.2);
        const cautious = player.state;  // it would run out again at once
        player.add(chord(8, 4), {until: 12});
        await until(() => player.state === "playing");
        player.finish(12);
        await until(() => player.state === "ended");
        return {stood, still, cautious, end: player.position};
        """,
    )
    assert heard == {"stood": 4, "still": 4, "cautious": "waiting", "end": 12}


def test_a_note_grows_while_it_sounds_without_a_gap(page):
    levels = run(
        page,
        """
        player.start(120, Array(4).fill("organ"));
        player.add([[0, 60, 0, 4]], {until: 4});
        player.play();
        await until(() => player.state === "playing");
        const begin = player.context.currentTime;
        player.add([[0, 60, 0, 8]], {until: 8});
        await sleep(0.3);
        player.add([[0, 60, 0, 16]], {until: 16});
        player.finish(16);
        await until(() => player.state === "ended");
        return Promise.all([0, 1, 2, 3, 4, 5, 6].map(i => loudness(begin + 0.25 + 0.2 * i, begin + 0.45 + 0.2 * i)));
        """,
    )
    assert min(levels) > 0.6 * max(levels)


def test_what_was_added_can_be_overwritten_while_it_plays(page):
    pitches = run(
        page,
        """
        const frequency = (from, to) => {  // by zero crossings
          const wave = blocks.filter(([time]) => time >= from && time < to).flatMap(([, left]) => [...left]);
          let crossings = 0;
          for (let i = 1; i < wave.length; i++) if (wave[i - 1] < 0 && wave[i] >= 0) crossings++;
          return crossings / (to - from);
        };
        player.start(120, Array(4).fill("flute"));
        player.add([[0, 72, 0, 8], [0, 76, 8, 8]]);
        player.play();
        await until(() => player.position > 1);
        const begin = player.context.currentTime - player.position * 0.125;
        player.add([[0, 84, 8, 8]], {replaceFrom: 8});
        player.finish(16);
        await until(() => player.state === "ended");
        return [frequency(begin + 0.5, begin + 0.9), frequency(begin + 1.5, begin + 1.9)];
        """,
    )
    assert pitches[0] == pytest.approx(523, rel=0.03)
    assert pitches[1] == pytest.approx(1046, rel=0.03)


def test_tempo_volume_and_instruments_change_while_it_plays(page):
    seen = run(
        page,
        """
        player.start(60, Array(4).fill("organ"));
        for (let step = 0; step < 64; step += 4) player.add(chord(step, 4));
        player.finish(64);
        player.play();
        await until(() => player.position > 2);
        const [start, before] = [player.context.currentTime, player.position];
        player.tempo = 240;
        const [time, step] = [player.context.currentTime, player.position];
        // the old pace is not heard to its end: some of that lies between
        const jump = step - before - 16 * (time - start) - 4 * player.context.outputLatency;
        await sleep(0.5);
        const rate = (player.position - step) / (player.context.currentTime - time);
        player.instruments = ["flute", "choir", "strings", "organ"];
        player.volume = 0;
        await sleep(0.4);
        const quiet = await loudness(player.context.currentTime - 0.15, player.context.currentTime);
        player.pause();
        return {jump, rate, quiet, state: player.state, instruments: player.instruments};
        """,
    )
    assert abs(seen["jump"]) < 0.3
    assert seen["rate"] == pytest.approx(16, rel=0.15)
    assert seen["quiet"] < 1e-3
    assert seen["state"] == "paused"
    assert seen["instruments"] == ["flute", "choir", "strings", "organ"]


def test_pause_holds_the_position_and_silences(page):
    seen = run(
        page,
        """
        player.start(120, Array(4).fill("organ"));
        player.add(chord(0, 64));
        player.finish(64);
        player.play();
        await until(() => player.position > 3);
        player.pause();
        const paused = player.position;
        await sleep(1);  // the room rings a while
        const stopped = player.context.currentTime;
        await sleep(1.2);
        const quiet = await loudness(stopped + 0.9, stopped + 1.1);
        const held = player.position;
        player.play();
        await until(() => player.state === "playing");
        const again = player.context.currentTime;
        await sleep(0.6);
        const loud = await loudness(again + 0.2, again + 0.5);
        player.seek(32);
        await until(() => player.state === "playing");
        const there = player.position;
        player.seek(0);
        return {paused, held, quiet, loud, there, rewound: player.position};
        """,
    )
    assert seen["paused"] == seen["held"]
    assert seen["quiet"] < 1e-3 < seen["loud"], "a held note is entered midway"
    assert 32 <= seen["there"] < 33
    assert seen["rewound"] == 0


def test_a_key_sounds_while_it_is_pressed(page):
    heard = run(
        page,
        """
        player.start(120, Array(4).fill("flute"));
        const key = player.press(72);
        await until(() => blocks.some(([, left]) => left.some(x => Math.abs(x) > 0.01)));
        const begin = player.context.currentTime;
        await sleep(0.4);
        player.lift(key);
        await sleep(2.5);
        const end = player.context.currentTime;
        return [await loudness(begin, begin + 0.3), await loudness(end - 0.2, end)];
        """,
    )
    assert heard[0] > 0.01
    assert heard[1] < 1e-3


def test_without_samples_a_plain_tone_plays(page):
    heard = run(
        page,
        """
        player.start(120, Array(4).fill("kazoo"));
        player.add(chord(0, 8));
        player.finish(8);
        player.play();
        await until(() => player.state === "playing");
        const begin = player.context.currentTime;
        await until(() => player.state === "ended");
        return [await loudness(begin + 0.2, begin + 0.8), peak()];
        """,
    )
    assert heard[0] > 0.02
    assert heard[1] < 1


def test_another_piece_goes_on_at_the_same_place_without_a_gap(page):
    heard = run(
        page,
        """
        const long = pitch => [0, 1, 2, 3].map(voice => [voice, pitch - 12 * (voice > 0), 0, 64]);
        player.start(120, Array(4).fill("organ"));
        player.swap(long(60), {until: 64, total: 64});
        player.play();
        await until(() => player.position > 6);
        const before = player.position, time = player.context.currentTime;
        player.swap([[0, 60, 0, 4], ...long(67).slice(1)], {until: 64, total: 64});
        const after = player.position;
        await sleep(0.8);
        player.swap(long(60), {until: 64, total: 64});  // what had ended in the last piece goes on in this one
        await sleep(0.8);
        const now = player.context.currentTime, position = player.position, state = player.state;
        player.pause();
        const levels = [];
        for (let t = time - 0.2; t < now - 0.1; t += 0.1) levels.push(await loudness(t, t + 0.1));
        return {jump: after - before, off: position - before - (now - time) * 8, state, states, levels};
        """,
    )
    assert abs(heard["jump"]) < 0.2 and abs(heard["off"]) < 0.5, "the clock goes on"
    assert heard["state"] == "playing" and heard["states"] == ["waiting", "playing", "paused"]
    assert min(heard["levels"]) > 0.3 * max(heard["levels"])


def test_another_piece_that_is_not_there_yet_is_waited_for(page):
    seen = run(
        page,
        """
        player.start(240, Array(4).fill("organ"));
        player.swap(chord(0, 64), {until: 64, total: 64});
        player.play();
        await until(() => player.position > 12);
        player.swap(chord(0, 4), {until: 4, total: null});
        const stood = player.position, waiting = player.state;
        player.add(chord(4, 28), {until: 32});
        await until(() => player.state === "playing");
        const on = player.position;
        player.swap(chord(0, 8), {until: 8, total: 8});  // a shorter one is over by now
        await until(() => player.state === "ended");
        return {stood, waiting, on, end: player.position};
        """,
    )
    assert seen["waiting"] == "waiting" and 12 < seen["stood"] <= seen["on"] and seen["end"] == 8


def test_a_voice_is_muted_and_a_loop_goes_round(page):
    seen = run(
        page,
        """
        player.start(240, Array(4).fill("organ"));
        player.swap(chord(0, 64), {until: 64, total: 64});
        player.play();
        await until(() => player.position > 2);
        await sleep(0.4);
        const loud = await loudness(player.context.currentTime - 0.3, player.context.currentTime);
        player.audible = [false, false, false, false];
        await sleep(2.5);
        const quiet = await loudness(player.context.currentTime - 0.2, player.context.currentTime);
        player.audible = [true, true, true, true];
        player.loop = {from: 16, to: 24};
        player.seek(16);
        await until(() => player.state === "playing");
        const found = [];
        for (let i = 0; i < 60; i++) { await sleep(0.03); found.push(player.position); }
        player.loop = null;
        const turns = found.filter((step, i) => i && step < found[i - 1]).length;
        return {loud, quiet, least: Math.min(...found), most: Math.max(...found), turns, states: states.slice(-1)};
        """,
    )
    assert seen["quiet"] < 1e-3 < seen["loud"]
    assert seen["least"] >= 15.9 and seen["most"] < 26 and seen["turns"] >= 2 and seen["states"] == ["playing"]
