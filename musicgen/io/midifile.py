"""Standard MIDI files as bytes -> their notes and marks, for files as people really have them.

Libraries refuse a whole file for one stray byte or one wrong count. This reader believes the events first and the
counts last: it unwraps RIFF, skips chunks nobody knows, passes over bytes that mean nothing, and where a track breaks
off it keeps what came before. Its work is bounded by the number of events. Times are ticks from the start.
"""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from musicgen.io.arrange import SeedError

MAX_MIDI_BYTES = 5 * 1024 * 1024
MAX_EVENTS, MAX_TRACKS = 150_000, 1000  # more would keep a small machine busy for seconds
WRAPPING = 4096  # bytes within which the file may begin: RIFF, MacBinary and the like stand before it
LONGEST_TEXT = 32_768  # bytes of a meta event
DRUMS = 9  # General MIDI's channel 10, from 0
NOTE_OFF, NOTE_ON = 0x80, 0x90
# Meta events that are kept; all others are skipped.
TEXT, COPYRIGHT, TRACK_NAME, END, TEMPO, METER = 0x01, 0x02, 0x03, 0x2F, 0x51, 0x58
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # they belong on a cable, not in a file; the others carry no data
DAMAGED = "this MIDI file is damaged and cannot be read: choose another one"


@dataclass
class Track:
    """Raw events of one track, in their order, and what they amount to."""

    strikes: dict = field(default_factory=lambda: defaultdict(list))  # (channel, pitch) -> (tick, whether it begins)
    metas: list[tuple[int, int, bytes]] = field(default_factory=list)  # tick, type, data
    end: int = 0  # tick

    @property
    def name(self) -> str:
        return next((decoded(data).strip() for _, kind, data in self.metas if kind == TRACK_NAME), "")

    def channels(self, quarter: float) -> dict[int, list[tuple[int, int, int]]]:
        """The notes `(pitch, on, off)` of each channel, by onset. `quarter` is how many ticks one lasts."""
        onsets = defaultdict(set)
        for (channel, _), strikes in self.strikes.items():
            onsets[channel] |= {tick for tick, begins in strikes if begins}
        ordered = {channel: sorted(ticks) for channel, ticks in onsets.items()}
        found = defaultdict(list)
        for (channel, pitch), strikes in self.strikes.items():
            found[channel] += [(pitch, on, off) for on, off in _paired(strikes, ordered[channel], self.end, quarter)]
        return {channel: sorted(notes, key=lambda n: (n[1], -n[0])) for channel, notes in found.items() if notes}


@dataclass(frozen=True)
class MidiFile:
    kind: int  # 0: one track; 1: tracks that sound together; 2: a song a track
    quarter: float  # ticks a quarter note
    timed: bool  # ticks are parts of a second, so that tempo marks mean nothing
    tracks: list[Track]
    damaged: bool  # something was left out


def decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def begins(data: bytes) -> int:
    """Where the MIDI file in `data` begins, in bytes; -1 if there is none."""
    return data.find(b"MThd", 0, WRAPPING)


def parse(data: bytes) -> MidiFile:
    """Raises SeedError if there is nothing to read or too much."""
    if len(data) > MAX_MIDI_BYTES:
        raise SeedError(f"this MIDI file is larger than {MAX_MIDI_BYTES >> 20} MB: choose a shorter piece")
    start = begins(data)
    if start < 0:
        raise SeedError("this is not a MIDI file: choose one that ends in .mid, .midi, .kar or .rmi")
    header = data[start + 8 : start + 14]
    division = int.from_bytes(header[4:6])
    if len(header) < 6 or not division:
        raise SeedError(DAMAGED)
    frames, parts = 256 - (division >> 8), division & 0xFF
    timed = division >= 0x8000
    quarter = (30 if frames == 29 else frames) * parts / 2 if timed else division  # a quarter lasts half a second
    if not quarter:
        raise SeedError(DAMAGED)
    length = int.from_bytes(data[start + 4 : start + 8])
    after = start + 8 + (length if _is_chunk(data, start + 8 + length) else 6)
    tracks, damaged = _tracks(data, after)
    if not tracks:
        raise SeedError(DAMAGED)
    return MidiFile(header[1], quarter, timed, tracks, damaged)


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk may begin here: four letters and a length, whatever they say."""
    return len(data) >= at + 8 and all(0x20 <= byte < 0x7F for byte in data[at : at + 4])


def _tracks(data: bytes, at: int) -> tuple[list[Track], bool]:
    """All tracks from byte `at` on, and whether anything in them made no sense."""
    tracks, damaged, left = [], False, MAX_EVENTS
    while len(tracks) <= MAX_TRACKS and (at := at if data[at : at + 4] == b"MTrk" else _next_track(data, at)) >= 0:
        start, end = at + 8, at + 8 + int.from_bytes(data[at + 4 : at + 8])
        if end != len(data) and not _is_chunk(data, end):  # a wrong length: the track ends where it says so
            following = data.find(b"MTrk", start)
            end = len(data) if following < 0 else following
        reading = _Reading(data, left - 1)
        stop = reading.track(start, end)
        tracks.append(reading.into)
        left, damaged = reading.left, damaged or reading.damaged
        at = stop if data[stop : stop + 4] == b"MTrk" else end
    if len(tracks) > MAX_TRACKS:
        raise SeedError("this MIDI file holds too many tracks: choose a piece with fewer")
    return tracks, damaged


def _next_track(data: bytes, at: int) -> int:
    """The next track's first byte, past chunks that nobody knows; -1 if there is none."""
    end = at + 8 + int.from_bytes(data[at + 4 : at + 8])
    if _is_chunk(data, at) and (end == len(data) or _is_chunk(data, end)):
        return end if data[end : end + 4] == b"MTrk" else data.find(b"MTrk", end)
    return data.find(b"MTrk", at)


class _Reading:
    """Reads the events of one track. `left` is how many more the whole file may have."""

    def __init__(self, data: bytes, left: int):
        self.data, self.left = data, left
        self.into, self.damaged = Track(), False

    def track(self, at: int, end: int) -> int:
        """Read from byte `at` to the end of the track; where that was."""
        tick = status = 0
        try:
            while at < end:
                self.left -= 1
                if self.left < 0:
                    raise SeedError("this MIDI file holds too many events: choose a shorter piece")
                delta, at = self._number(at)
                tick += delta
                first = self.data[at]
                if first < 0xF0:
                    status = first if first >= 0x80 else status
                    at = self._channel(at + (first >= 0x80), status, tick, end)
                elif first == 0xFF:
                    kind, (length, begin) = self.data[at + 1], self._number(at + 2)
                    at = begin + length
                    self.into.end = tick
                    if kind == END:
                        return at
                    self._meta(tick, kind, begin, min(at, end))
                elif first in (0xF0, 0xF7):
                    length, at = self._number(at + 1)
                    at += length
                else:
                    at += 1 + SYSTEM_BYTES.get(first, 0)
        except (IndexError, EOFError):  # it breaks off, or a number has no end
            self.damaged, at = True, end
        self.into.end = max(self.into.end, tick)
        return at

    def _number(self, at: int) -> tuple[int, int]:
        """A number of one to four bytes, and where it ends."""
        byte = self.data[at]
        value = byte & 0x7F
        last = at + 3
        while byte >= 0x80:
            if at == last:
                raise EOFError("a number of more than four bytes")
            at += 1
            byte = self.data[at]
            value = value << 7 | byte & 0x7F
        return value, at + 1

    def _channel(self, at: int, status: int, tick: int, end: int) -> int:
        """A channel's event whose data begin at byte `at`; where it ends."""
        kind = status & 0xF0
        if not status:  # data that belong to nothing
            self.damaged = True
            return at + 1
        after = at + DATA_BYTES[kind]
        if after > end:
            self.damaged = True
        elif kind in (NOTE_OFF, NOTE_ON):
            pitch, velocity = self.data[at], self.data[at + 1]
            if pitch < 128:
                self.into.strikes[status & 0xF, pitch].append((tick, kind == NOTE_ON and velocity > 0))
        return after

    def _meta(self, tick: int, kind: int, begin: int, end: int):
        if kind in (TEXT, COPYRIGHT, TRACK_NAME, TEMPO, METER):
            self.into.metas.append((tick, kind, self.data[begin : min(end, begin + LONGEST_TEXT)]))


def _paired(strikes, onsets: Sequence[int], end: int, quarter: float) -> list[tuple[int, int]]:
    """The begins and ends of one pitch, in file order -> notes `(on, off)`. `onsets` are those of the whole channel.

    First on, first off, since players and programs let repeated notes overlap a little. Where an end is missing that
    would give each note the end of the next one: there a note that would sound through much of the next one has none.
    A note without an end lasts until the next note of its channel, else to the end of the track.
    """
    strikes = sorted(strikes, key=lambda s: s[0])
    missing = sum(1 if begins else -1 for _, begins in strikes) > 0
    sounding, notes = deque(), []
    for tick, begins in strikes:
        if begins:
            sounding.append(tick)
            continue
        while missing and len(sounding) > 1 and tick - sounding[1] >= min((sounding[1] - sounding[0]) / 2, quarter / 2):
            notes.append((sounding[0], _following(sounding.popleft(), onsets, end)))
        if sounding:
            notes.append((sounding.popleft(), tick))
    notes += [(on, _following(on, onsets, end)) for on in sounding]
    return [(on, off) for on, off in notes if on < off]  # what lasts no time is not heard


def _following(tick: int, onsets: Sequence[int], end: int) -> int:
    index = bisect_right(onsets, tick)
    return onsets[index] if index < len(onsets) else end
