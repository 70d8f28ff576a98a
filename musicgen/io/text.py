"""A score as text: each voice as notes that can be typed (`seeds.from_text`)."""

from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, Score

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


def write(score: Score) -> list[str]:
    """A text for each voice of the style, the top one first; a note over a bar line stands before it."""
    return [_line(score, voice) for voice in range(len(STYLES[score.style].voices))]


def _line(score: Score, voice: int) -> str:
    bar, now = METERS[score.meter].steps, 0
    words: list[str] = []
    for note in [n for n in score.notes() if n.voice == voice]:
        words += _rests(now, note.start, bar)
        words += _word(f"{NAMES[note.pitch % 12]}{note.pitch // 12 - 1}", note.start, note.duration, bar)
        now = note.start + note.duration
    return " ".join(words + _rests(now, score.steps, bar))


def _rests(start: int, end: int, bar: int) -> list[str]:
    """A rest a bar at most: empty bars are seen as such."""
    words: list[str] = []
    while start < end:
        until = min(end, (start // bar + 1) * bar)
        words += _word("R", start, until - start, bar)
        start = until
    return words


def _word(what: str, start: int, duration: int, bar: int) -> list[str]:
    length = "" if duration == STEPS_PER_QUARTER else f":{duration / STEPS_PER_QUARTER:g}"
    return [*(["|"] if start and start % bar == 0 else []), what + length]
