"""Makes the samples: `python -m train.samples --soundfont FluidR3_GM.sf2` (Debian: fluid-soundfont-gm and fluidsynth).

Every instrument of the table is played note by note through FluidSynth, mixed to one channel, trimmed, looped where it
sustains, levelled, and written to `musicgen/web/samples/`: one FLAC an instrument and a `manifest.json` that says where
each note lies. FLAC, since MP3 and Ogg shift the first frame by an amount that differs between browsers, and a loop
point must be exact. The page plays these files, and `musicgen.io.audio` builds its sound font from the very same ones.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile
from tqdm import tqdm

SAMPLES_FOLDER = Path(__file__).parent.parent / "musicgen" / "web" / "samples"
RENDER_RATE = 48_000  # Hz, of FluidSynth; the files hold less
SLOT = 9.0  # seconds between two rendered notes
TICKS = 960  # MIDI ticks a second, at 120 quarter notes a minute
LEVEL = 0.12  # root mean square of an instrument's notes: the peaks stay below full scale


@dataclass(frozen=True)
class InstrumentRecipe:
    title: str
    program: int  # General MIDI, from 0
    rate: int = 24_000  # Hz
    attack: float = 0.02  # seconds
    release: float = 0.25  # seconds
    loop: tuple[float, float] | None = None  # seconds from the onset: the part that may be repeated
    length: float = 3.0  # seconds kept where there is no loop
    velocity: int = 90
    pitches: tuple[int, ...] = tuple(range(36, 94, 6))
    gain: float = 1.0


INSTRUMENT_RECIPES = {
    "organ": InstrumentRecipe("Church organ", 19, attack=0.03, release=0.3, loop=(0.35, 1.3)),
    "choir": InstrumentRecipe("Choir", 52, rate=22_050, attack=0.08, release=0.4, loop=(0.4, 1.7)),
    "strings": InstrumentRecipe("Strings", 48, attack=0.06, release=0.35, loop=(0.4, 1.6), gain=0.9),
    "piano": InstrumentRecipe("Piano", 0, attack=0.003, release=0.3, length=2.6, gain=0.8),
    "harpsichord": InstrumentRecipe("Harpsichord", 6, attack=0.002, release=0.15, length=1.5, gain=0.6),
    "harp": InstrumentRecipe("Harp", 46, attack=0.003, release=0.5, length=2.2, gain=0.65),
    "fiddle": InstrumentRecipe("Fiddle", 110, attack=0.03, release=0.15, loop=(0.25, 1.25), gain=0.9),
    "flute": InstrumentRecipe("Flute", 73, rate=22_050, attack=0.03, release=0.15, loop=(0.25, 1.4)),
}


def render(recipe: InstrumentRecipe, soundfont: str) -> np.ndarray:
    """Every pitch of the recipe in its own slot of `SLOT` seconds -> `(slots, frames)`, one channel."""
    track = mido.MidiTrack([mido.Message("program_change", program=recipe.program)])
    for pitch in recipe.pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=recipe.velocity))
        track.append(mido.Message("note_off", note=pitch, time=round((SLOT - 2) * TICKS)))
        track.append(mido.Message("control_change", control=3, time=2 * TICKS))  # nothing, but the file goes on
    with tempfile.TemporaryDirectory() as folder:
        mido.MidiFile(tracks=[track], ticks_per_beat=TICKS // 2).save(f"{folder}/notes.mid")
        dry = ["-R", "0", "-C", "0", "-g", "0.5", "-o", "synth.polyphony=64"]
        command = ["fluidsynth", "-ni", "-q", *dry, "-r", str(RENDER_RATE), "-F", f"{folder}/notes.wav"]
        subprocess.run([*command, soundfont, f"{folder}/notes.mid"], check=True, stdout=subprocess.DEVNULL)
        sound, _ = soundfile.read(f"{folder}/notes.wav", always_2d=True)
    frames = int(SLOT * RENDER_RATE)
    sound = np.pad(sound, ((0, max(0, len(recipe.pitches) * frames - len(sound))), (0, 0)))
    return one_channel(sound)[: len(recipe.pitches) * frames].reshape(-1, frames)


def one_channel(sound: np.ndarray) -> np.ndarray:
    """Stereo `(frames, 2)` -> the middle, or the left where left and right cancel each other."""
    middle = sound.mean(axis=1)
    return middle if middle.std() > 0.6 * sound[:, 0].std() else sound[:, 0]


def resample(sound: np.ndarray, rate: int) -> np.ndarray:
    """From `RENDER_RATE` to `rate` by cutting the spectrum; the sound must begin and end in silence."""
    frames = round(len(sound) * rate / RENDER_RATE)
    spectrum = np.fft.rfft(sound)[: frames // 2 + 1]
    spectrum[-len(spectrum) // 50 :] = 0
    return np.fft.irfft(spectrum, frames) * rate / RENDER_RATE


def onset(sound: np.ndarray, rate: int) -> int:
    """The frame where the note begins to be heard, 2 ms early."""
    loud = np.abs(sound) > 0.01 * np.abs(sound[: 2 * rate]).max()
    return max(0, int(loud.argmax()) - rate // 500)


def tuning(sound: np.ndarray, rate: int, pitch: int) -> float:
    """The pitch that really sounds: a choir may sing flat, and would then beat against the organ."""
    part = sound[rate // 4 : rate // 4 + rate]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * len(part)))
    hertz = np.arange(len(spectrum)) * rate / (8 * len(part))
    cents = np.arange(-50, 51)
    base = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
    partials = [np.interp(base * n, hertz, spectrum) for n in range(1, 9) if 60 < base[0] * n < 0.45 * rate]
    fit = np.sum(partials, axis=0)
    smooth = np.convolve(fit, np.exp(-(np.linspace(-2, 2, 41) ** 2)), "same")
    return round(pitch + float(cents[smooth.argmax()]) / 100, 2)


def even(sound: np.ndarray, rate: int, first: float) -> np.ndarray:
    """Takes most of the slow swelling out of what comes after `first` seconds: repeated, it would pump."""
    window = np.hanning(int(0.25 * rate))
    envelope = np.sqrt(np.convolve(sound**2, window / window.sum(), "same"))
    at = int(first * rate)
    middle = np.sqrt((sound[at : at + 2 * rate] ** 2).mean())
    gain = np.clip(middle / (envelope + 0.05 * middle), 0.4, 2.5) ** 0.8
    amount = np.clip((np.arange(len(sound)) - at / 2) / (at / 2), 0, 1)
    return sound * gain**amount


def find_loop(sound: np.ndarray, rate: int, first: float, last: float) -> tuple[int, int, float]:
    """The loop `[from, to)`, in frames, whose ends look most alike, and how alike (1: the same).

    Args:
        sound: (frames,).
        rate: frames a second.
        first, last: seconds between which it lies.
    """
    window = int(0.12 * rate)
    lo, hi = int(first * rate), int(last * rate)
    shortest = int(0.45 * (hi - lo))
    best = (lo, hi, -1.0)
    for start in range(lo, lo + (hi - lo) // 3, window // 4):
        pattern = sound[start : start + window]
        region = sound[start + shortest : hi + window]
        dots = np.correlate(region, pattern, "valid")
        power = np.convolve(region**2, np.ones(window), "valid")
        likeness = dots / np.sqrt(power * (pattern**2).sum() + 1e-12)
        likeness -= 0.3 * np.abs(np.log(power / (pattern**2).sum() + 1e-9))  # no jump in loudness
        at = int(likeness.argmax())
        if likeness[at] > best[2]:
            best = (start, start + shortest + at, float(likeness[at]))
    return best


def close_loop(sound: np.ndarray, start: int, end: int, likeness: float, rate: int) -> np.ndarray:
    """Fades what leads to the loop's end into what leads to its start, and goes on a little past the end.

    Args:
        sound: (frames,).
        start, end: of the loop, in frames.
        likeness: of what leads to the two, 1 if it is the same.
        rate: frames a second.
    """
    fade = min(start, end - start, int((0.05 if likeness > 0.95 else 0.3) * rate))
    rise = np.linspace(0, 1, fade)
    power = np.sqrt((1 - rise) ** 2 + rise**2 + 2 * max(0.0, likeness) * rise * (1 - rise))
    looped = sound[:end].copy()
    looped[end - fade :] = ((1 - rise) * sound[end - fade : end] + rise * sound[start - fade : start]) / power
    return np.concatenate([looped, looped[start : start + 64]])  # what an interpolating player looks at


def sample(sound: np.ndarray, recipe: InstrumentRecipe, pitch: int) -> tuple[np.ndarray, dict]:
    """One rendered slot -> the frames to keep, and their pitch and loop."""
    sound = resample(sound, recipe.rate)
    sound = sound[onset(sound, recipe.rate) :]
    about = {"pitch": tuning(sound, recipe.rate, pitch), "loop": None}
    if not recipe.loop:
        kept = sound[: int(recipe.length * recipe.rate)].copy()
        fade = int(0.4 * len(kept))
        kept[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
        return kept, about
    sound = even(sound, recipe.rate, recipe.loop[0])
    start, end, likeness = find_loop(sound, recipe.rate, *recipe.loop)
    return close_loop(sound, start, end, likeness, recipe.rate), about | {"loop": [start, end]}


def level(samples: list[np.ndarray], recipe: InstrumentRecipe) -> list[np.ndarray]:
    """Brings the instrument to `LEVEL`; of the differences between its notes half is kept."""
    heads = [s[: int(0.8 * recipe.rate)] for s in samples]
    loudness = np.array([np.sqrt((head**2).mean()) for head in heads])
    middle = np.exp(np.log(loudness).mean())
    scaled = [s * LEVEL / np.sqrt(middle * own) for s, own in zip(samples, loudness, strict=True)]
    peak = max(np.abs(s).max() for s in scaled)
    return [s * min(1, 0.98 / peak) for s in scaled]


def make(key: str, recipe: InstrumentRecipe, soundfont: str) -> dict:
    """Writes the instrument's file and returns its part of the manifest."""
    slots = zip(render(recipe, soundfont), recipe.pitches, strict=True)
    kept = [sample(slot, recipe, pitch) for slot, pitch in slots]
    frames = level([frames for frames, _ in kept], recipe)
    soundfile.write(
        SAMPLES_FOLDER / f"{key}.flac", np.concatenate(frames), recipe.rate, "PCM_16", compression_level=1.0
    )
    starts = np.cumsum([0] + [len(f) for f in frames])
    samples = [
        {"start": int(start), "length": len(own), **where}
        for start, own, (_, where) in zip(starts, frames, kept, strict=False)
    ]
    about = {k: getattr(recipe, k) for k in ("title", "program", "rate", "attack", "release", "gain")}
    return about | {"file": f"{key}.flac", "samples": samples}


def main():
    parser = argparse.ArgumentParser(prog="python -m train.samples", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--soundfont", required=True, help="a General MIDI sound font whose licence lets it be shared")
    soundfont = parser.parse_args().soundfont
    if not Path(soundfont).is_file():
        parser.error(f"there is no file {soundfont}")
    if not shutil.which("fluidsynth"):
        parser.error("FluidSynth is not installed (Debian: apt-get install fluidsynth)")
    SAMPLES_FOLDER.mkdir(parents=True, exist_ok=True)
    instruments = {key: make(key, recipe, soundfont) for key, recipe in tqdm(INSTRUMENT_RECIPES.items())}
    text = json.dumps({"instruments": instruments}, separators=(",", ":")).replace('"samples":', '\n"samples":')
    (SAMPLES_FOLDER / "manifest.json").write_text(text.replace("},{", "},\n{") + "\n")
    for key in INSTRUMENT_RECIPES:
        print(f"{key:12} {(SAMPLES_FOLDER / f'{key}.flac').stat().st_size / 1e3:6.0f} kB")


if __name__ == "__main__":
    main()
