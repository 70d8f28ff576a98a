"""A SoundFont 2 file made from the very samples that the page plays, so that a download sounds like the page.

The format is a RIFF file of nine tables, each ended by a terminal record (SoundFont Technical Specification 2.04,
section 7). A preset is one instrument, an instrument one zone a sample, and a zone a list of generators.
"""

import functools
import itertools
import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from musicgen.score import STYLES

FOLDER = Path(__file__).parents[1] / "web" / "samples"
SILENT_FRAMES = 46  # frames of silence that must follow every sample
FINER = 2  # times the files' rate: synthesizers interpolate, which would add overtones that were never played
TAPS = 48  # of the filter that finds the frames between

# generators (section 8.1.2)
REVERB, ATTACK, RELEASE, INSTRUMENT, KEY_RANGE, ATTENUATION = 16, 34, 38, 41, 43, 48
FINE_TUNE, SAMPLE, MODES, ROOT_KEY = 52, 53, 54, 58


@dataclass(frozen=True)
class Instrument:
    key: str
    title: str
    program: int  # General MIDI, from 0
    file: str
    rate: int  # Hz
    attack: float  # seconds
    release: float  # seconds
    gain: float
    samples: tuple[dict, ...]  # pitch (MIDI, with cents as a fraction); start, length, loop in frames


def _load() -> dict[str, Instrument]:
    """As the manifest has them; a piano without a sound where that is broken, so that all but sound goes on."""
    try:
        manifest = json.loads((FOLDER / "manifest.json").read_text())
        found = {key: Instrument(key, **about) for key, about in manifest["instruments"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"piano": Instrument("piano", "Piano", 0, "manifest.json", 0, 0, 0, 0, ())}
    for style in STYLES.values():
        if style.instrument not in found or found[style.instrument].program != style.program:
            known = ", ".join(f"{key} ({instrument.program})" for key, instrument in found.items())
            raise ValueError(f"style {style.name!r}: its instrument and program are none of {known}")
    return found


INSTRUMENTS = _load()


@functools.lru_cache(maxsize=8)
def build(keys: tuple[str, ...]) -> bytes:
    """The sound font (SF2) of these instruments, each at its General MIDI program in bank 0."""
    chosen = [INSTRUMENTS[key] for key in keys]
    data, headers, places = [], [], {}
    at = 0
    for instrument in chosen:
        sound = _finer(soundfile.read(FOLDER / instrument.file, dtype="float32")[0])
        for number, sample in enumerate(instrument.samples):
            start, length = FINER * sample["start"], FINER * sample["length"]
            data += [sound[start : start + length], np.zeros(SILENT_FRAMES, np.int16)]
            places[instrument.key, number] = len(headers)
            headers.append(_sample_header(instrument, sample, at))
            at += length + SILENT_FRAMES
    version = _chunk("ifil", struct.pack("<HH", 2, 1))
    info = _list("INFO", version, _chunk("isng", b"EMU8000\0"), _chunk("INAM", b"Nonet\0"))
    samples = _list("sdta", _chunk("smpl", np.concatenate(data).tobytes()))
    body = b"sfbk" + info + samples + _list("pdta", *_tables(chosen, places, headers))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _finer(sound: np.ndarray) -> np.ndarray:
    """Twice as many frames, those between found by a windowed sinc; floats in -1..1 become 16-bit integers."""
    distance = np.arange(TAPS) - (TAPS - 1) / 2
    between = (np.sinc(distance) * np.kaiser(TAPS, 8)).astype(np.float32)
    shifted = np.convolve(sound, between)[TAPS // 2 : TAPS // 2 + len(sound)]
    frames = np.stack([sound, shifted], axis=1).ravel()
    return np.clip(np.round(frames * 32767), -32768, 32767).astype("<i2")


def _chunk(name: str, data: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: str, *chunks: bytes) -> bytes:
    return _chunk("LIST", name.encode() + b"".join(chunks))


def _name(text: str) -> bytes:
    return text.encode()[:19].ljust(20, b"\0")


def _sample_header(instrument: Instrument, sample: dict, at: int) -> bytes:
    first, last = sample["loop"] or (0, sample["length"])
    root = round(sample["pitch"])
    cents = round(100 * (root - sample["pitch"]))  # flat samples are tuned up
    ends = (FINER * frame for frame in (0, sample["length"], first, last))
    frames = (*(at + end for end in ends), FINER * instrument.rate)
    return struct.pack("<20s5IBbHH", _name(f"{instrument.key} {root}"), *frames, root, cents, 0, 1)


def _tables(chosen, places, headers):
    """The nine tables of the `pdta` list, in the order the format asks for."""
    presets, preset_bags, preset_generators = [], [], []
    instruments, bags, generators = [], [], []
    for instrument in sorted(chosen, key=lambda i: i.program):
        title = _name(instrument.title)
        presets.append(struct.pack("<20sHHHIII", title, instrument.program, 0, len(preset_bags), 0, 0, 0))
        preset_bags.append(struct.pack("<HH", len(preset_generators), 0))
        preset_generators.append(struct.pack("<HH", INSTRUMENT, len(instruments)))
        instruments.append(struct.pack("<20sH", title, len(bags)))
        for number, (low, high) in enumerate(_key_ranges(instrument)):
            bags.append(struct.pack("<HH", len(generators), 0))
            generators += _zone(instrument, instrument.samples[number], low, high, places[instrument.key, number])
    presets.append(struct.pack("<20sHHHIII", _name("EOP"), 0, 0, len(preset_bags), 0, 0, 0))
    preset_bags.append(struct.pack("<HH", len(preset_generators), 0))
    instruments.append(struct.pack("<20sH", _name("EOI"), len(bags)))
    bags.append(struct.pack("<HH", len(generators), 0))
    end = bytes(4)
    tables = {
        "phdr": presets,
        "pbag": preset_bags,
        "pmod": [bytes(10)],
        "pgen": [*preset_generators, end],
        "inst": instruments,
        "ibag": bags,
        "imod": [bytes(10)],
        "igen": [*generators, end],
        "shdr": [*headers, _name("EOS") + bytes(26)],
    }
    return [_chunk(name, b"".join(records)) for name, records in tables.items()]


def _key_ranges(instrument: Instrument) -> list[tuple[int, int]]:
    """Lowest and highest key of each sample: every key goes to the sample nearest to it."""
    roots = [round(sample["pitch"]) for sample in instrument.samples]
    borders = [(a + b) // 2 for a, b in itertools.pairwise(roots)]
    return list(zip([0, *(b + 1 for b in borders)], [*borders, 127], strict=True))


def _zone(instrument: Instrument, sample: dict, low: int, high: int, place: int) -> list[bytes]:
    """One sample's generators: the key range must come first, the sample last."""
    pairs = [
        (KEY_RANGE, low | high << 8),
        (REVERB, 250),  # thousandths sent to the reverberation
        (ATTACK, _timecents(instrument.attack)),
        (RELEASE, _timecents(2.5 * instrument.release)),  # down to -100 dB, which takes longer than to be unheard
        (ATTENUATION, max(0, round(-200 * math.log10(instrument.gain / 1.25)))),  # centibels
        (MODES, 1 if sample["loop"] else 0),
        (SAMPLE, place),
    ]
    return [struct.pack("<HH", generator, amount & 0xFFFF) for generator, amount in pairs]


def _timecents(seconds: float) -> int:
    return round(1200 * math.log2(seconds))
