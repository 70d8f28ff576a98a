"""Notes of any kind into the voices of a style: telling lines apart, giving each a voice, moving it into its range."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, groupby, pairwise

from musicgen.score import STYLES, Note

SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
OUT_OF_RANGE = 20  # half semitones that a pitch outside its voice's range weighs
TOP_UNUSED = 12  # half semitones that an empty top voice weighs
CUT = 40  # semitones that cutting a sounding note short weighs
CROSS = 20  # semitones that crossing a sounding line weighs


def pitch_name(pitch: int) -> str:
    """MIDI pitch -> its name: 60 is C4, middle C."""
    return f"{PITCH_NAMES[pitch % 12]}{pitch // 12 - 1}"


def place(pitches: Sequence[float], style: str) -> tuple[int, ...]:
    """Pitches from the top down -> a voice each, from the top down, by how well they sit in the voices' ranges."""
    ranges = STYLES[style].ranges

    def cost(voices: tuple[int, ...]) -> float:
        total = TOP_UNUSED * (0 not in voices)
        for pitch, voice in zip(pitches, voices):
            low, high = ranges[voice]
            total += OUT_OF_RANGE * (not low <= pitch <= high) + abs(pitch - (low + high) / 2) / 2
        return total

    return min(combinations(range(len(ranges)), len(pitches)), key=cost)


def most_at_once(notes: Sequence[Note]) -> int:
    """How many of the notes sound together at most."""
    changes = sorted([(n.start, 1) for n in notes] + [(n.start + n.duration, -1) for n in notes])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def is_line(notes: Sequence[Note]) -> bool:
    """Whether the notes are one line: none begin together, and hardly any is still held when the next begins."""
    ordered = sorted(notes, key=lambda n: n.start)
    pairs = list(pairwise(ordered))
    held = sum(a.start + a.duration > b.start for a, b in pairs)
    return all(a.start < b.start for a, b in pairs) and held * 10 <= len(ordered)


def separate(notes: Sequence[Note], count: int) -> tuple[list[list[Note]], int]:
    """Notes that sound together -> `count` lines from the top down, and how many notes found no place.

    Notes that begin together go to lines from the highest down; which lines, is chosen so that a line moves little,
    keeps to its register, cuts no held note short and does not cross another.
    """
    pitches = sorted((n.pitch for n in notes), reverse=True)
    register = [pitches[int((line + 0.5) / count * len(pitches))] for line in range(count)]
    lines: list[list[Note]] = [[] for _ in range(count)]
    dropped = 0
    for _, together in groupby(sorted(notes, key=lambda n: (n.start, -n.pitch)), key=lambda n: n.start):
        chord = list(together)
        kept = chord if len(chord) <= count else chord[: count - 1] + chord[-1:]
        dropped += len(chord) - len(kept)
        choice = min(combinations(range(count), len(kept)), key=lambda way: _strain(kept, way, lines, register))
        for note, line in zip(kept, choice):
            lines[line].append(note)
    return [line for line in lines if line], dropped


def _strain(chord: list[Note], way: tuple[int, ...], lines: list[list[Note]], register: list[int]) -> float:
    """How ill it suits the lines to take the notes of the chord, the line of each given by `way`."""
    start, strain = chord[0].start, 0.0
    for note, line in zip(chord, way):
        last = lines[line][-1] if lines[line] else None
        strain += abs(note.pitch - register[line]) / 4
        if last:
            strain += abs(note.pitch - last.pitch) + CUT * (last.start + last.duration > start)
        for other, others in enumerate(lines):
            if other not in way and others and others[-1].start + others[-1].duration > start:
                strain += CROSS * ((others[-1].pitch - note.pitch) * (line - other) < 0)
    return strain


def into_range(notes: Sequence[Note], style: str) -> tuple[list[Note], list[str]]:
    """Move notes by octaves into their voices' ranges; with a phrase for each move, to tell the visitor.

    What is moved is as large as can be, since that keeps the tune: all voices, else one voice, else single notes.
    """
    shift = _octaves(notes, style)
    if shift:
        what = "the tune was" if len({n.voice for n in notes}) == 1 else "all voices were"
        return [replace(n, pitch=n.pitch + shift) for n in notes], [f"{what} moved {_way(shift)}"]
    fitted, phrases, singles = [], [], []
    for voice in sorted({n.voice for n in notes}):
        own = [n for n in notes if n.voice == voice]
        shift = _octaves(own, style)
        if shift is None:
            moved = [replace(n, pitch=n.pitch + (_octaves([n], style) or 0)) for n in own]
            singles += [(a, b) for a, b in zip(own, moved) if a != b]
        else:
            moved = [replace(n, pitch=n.pitch + shift) for n in own]
            phrases += [f"the {STYLES[style].voice(voice)} was moved {_way(shift)}"] if shift else []
        fitted += moved
    return fitted, phrases + ([_single_moves(singles, style)] if singles else [])


def _octaves(notes: Sequence[Note], style: str) -> int | None:
    """The least shift by whole octaves, in semitones, that brings every note into its voice's range."""
    ranges = STYLES[style].ranges
    for shift in sorted(range(-120, 121, 12), key=abs):
        if all(ranges[n.voice][0] <= n.pitch + shift <= ranges[n.voice][1] for n in notes):
            return shift
    return None


def _way(shift: int) -> str:
    count = abs(shift) // 12
    return f"{'up' if shift > 0 else 'down'} {'an octave' if count == 1 else f'{count} octaves'}"


def _single_moves(moves: list[tuple[Note, Note]], style: str) -> str:
    """A phrase for notes that moved each by itself: how many, whither, and the first few of them by name."""
    voices = {before.voice for before, _ in moves}
    voice = min(voices)
    low, high = STYLES[style].ranges[voice]
    one = f"the {STYLES[style].voice(voice)}'s range {pitch_name(low)}-{pitch_name(high)}"
    pairs = sorted({(before.pitch, after.pitch) for before, after in moves})
    shown = ", ".join(f"{pitch_name(a)} became {pitch_name(b)}" for a, b in pairs[:3])
    notes = "note was" if len(moves) == 1 else "notes were"
    where = one if len(voices) == 1 else "the ranges of their voices"
    return f"{len(moves)} {notes} moved by octaves into {where} ({shown}{' and so on' if len(pairs) > 3 else ''})"
