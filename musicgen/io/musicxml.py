"""Reading MusicXML that may come from anybody: the parts' bars, put on one time line in the order they are played.

`xmlfile.py` reads the bytes, `measure.py` the bars of a part, `bars.py` tells where each bar begins, and `lines.py`
which notes are one voice.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from musicgen.io import xmlfile
from musicgen.io.arrange import MAX_SEED_BARS, Music, Part, SeedError
from musicgen.io.bars import Measure, Placed, first_barline, placed, played, size_of
from musicgen.io.grid import Sound
from musicgen.io.lines import Lines
from musicgen.io.measure import Bar, PartReader, divisions_of, endings, signs
from musicgen.io.xmlfile import BROKEN
from musicgen.score import LONGEST_BAR, MAX_BARS, STYLES

STYLE_FIELD = "nonet-style"  # the miscellaneous field by which we know our own files
RECIPE_FIELD = "recipe"  # the one with what made it
NO_TITLES = ("title", "untitled", "untitled score", "music21 fragment", "score")  # as programs leave them
NO_AUTHORS = ("composer", "composer / arranger", "music21", "unknown")
MAX_PARTS = 200
MAX_BARS_READ = 2000  # of a part, the empty ones before its first note included
MAX_READ = 40_000  # notes and signs of the bars that are looked at
ROUNDING = 0.1  # steps that a bar may have too much, by rounding, without a word


def read(data: bytes) -> Music:
    """What a MusicXML file says. Raises SeedError if it is none, broken, too large, or built to do harm."""
    root = xmlfile.parse(data)
    try:
        return _music(root)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise error if isinstance(error, SeedError) else SeedError(BROKEN) from error


def _music(root: Element) -> Music:
    parts, fields = _parts(root), _fields(root)
    style = fields[STYLE_FIELD] if fields.get(STYLE_FIELD) in STYLES else None
    readers = _readers(parts)
    measures = _read(parts, readers, (MAX_BARS if style else MAX_SEED_BARS) * LONGEST_BAR)
    order = played(measures)
    bars = placed(measures, order)
    meters = [measures[bar.index].meter or "4/4" for bar in bars][: MAX_SEED_BARS + 1]  # of the bars that are kept
    meter = max(sorted(set(meters)), key=meters.count) if meters else "4/4"
    barline = first_barline(measures, bars, meter)
    kept = [bar for bar in bars if bar.start < barline + MAX_SEED_BARS * (size_of(meter) or LONGEST_BAR)]
    listed = {part.get("id"): part for part in root.findall("part-list/score-part")}
    drums = {name for name, reader in readers.items() if _is_percussion(listed.get(name), reader)}
    unpitched = bool(drums) or any(reader.unpitched for reader in readers.values())
    heard = {name: reader for name, reader in readers.items() if name not in drums}
    if unpitched and not any(bar.notes for reader in heard.values() for bar in reader.bars):
        raise SeedError("this file holds only percussion, which has no pitch: choose one with a melody")
    tempos = _tempos(readers.values())
    return Music(
        [
            Part(_name(listed.get(name)), sounds, number)
            for number, (name, reader) in enumerate(heard.items(), 1)
            for sounds in _voices(reader, measures, bars)
        ],
        meter=meter,
        tempo=round(tempos[0], 2) if tempos else None,
        length=bars[-1].start + bars[-1].length if bars else 0.0,
        barline=barline,
        style=style,
        remarks=tuple(_remarks(measures, kept, set(meters), meter, unpitched, order)),
        recipe=fields.get(RECIPE_FIELD, ""),
        title=_title(root, style),
        author=_author(root),
    )


def _parts(root: Element) -> dict[str | None, list[Element]]:
    """The bars of each part, from either way to nest them."""
    parts: dict[str | None, list[Element]] = {}
    for outer in root.findall("part" if root.tag == "score-partwise" else "measure"):
        for inner in outer.findall("measure" if outer.tag == "part" else "part"):
            parts.setdefault((outer if outer.tag == "part" else inner).get("id"), []).append(inner)
    if len(parts) > MAX_PARTS:
        raise SeedError("this MusicXML file holds too many parts: export fewer of them")
    return {name: bars[:MAX_BARS_READ] for name, bars in parts.items()}


def _readers(parts: dict[str | None, list[Element]]) -> dict[str | None, PartReader]:
    divisions = {name: divisions_of(measures) for name, measures in parts.items()}
    usual = next((d for d in divisions.values() if d), 1)
    return {name: PartReader(divisions[name] or usual) for name in parts}


def _read(parts: dict[str | None, list[Element]], readers: dict[str | None, PartReader], most: float) -> list[Measure]:
    """Reads bar by bar until all parts have ended, or `most` steps after the first note: more is never kept."""
    measures, passed, sounding, left = [], 0.0, False, MAX_READ
    brackets = [endings(bars) for bars in parts.values()]
    for index in range(max(map(len, parts.values()), default=0)):
        measure = Measure(meter=measures[-1].meter if measures else None)
        bars = []
        for name, elements in parts.items():
            if index < len(elements):
                left -= 1 + len(elements[index])
                if left < 0:
                    raise SeedError("this MusicXML file holds too many notes: choose fewer parts, or a shorter piece")
                bars.append(readers[name].read(elements[index]))
                signs(elements[index], measure)
        measure.ending = next((e[index] for e in brackets if index < len(e) and e[index]), frozenset())
        measure.reach = max((bar.reach for bar in bars), default=0.0)
        measure.latest = min((max(note.start for note in bar.notes) for bar in bars if bar.notes), default=0.0)
        measure.meter = _meter([bar.meter for bar in bars if bar.meter], measure.reach)
        measure.filled = _filled(bars, measure)
        measures.append(measure)
        sounding |= any(bar.notes for bar in bars)
        passed += (size_of(measure.meter) or measure.filled) * sounding
        if passed > most + 2 * LONGEST_BAR:
            break
    return measures


def _meter(meters: Sequence[str], reach: float) -> str | None:
    """The first part's meter; where parts have different ones, a longer one if that holds what is in the bar."""
    sizes = {meter: size_of(meter) or 0.0 for meter in meters}
    longer = [meter for meter in meters if reach <= sizes[meter] + ROUNDING]
    if meters and (meters[0] in longer or not longer):
        return meters[0]
    return min(longer, key=lambda meter: sizes[meter], default=None)


def _filled(bars: Sequence[Bar], measure: Measure) -> float:
    """Steps that a bar's notes fill with the rests beside them. Another part's rests never lengthen it."""
    if measure.reach:
        return min(end for bar in bars for end in bar.ends if end >= measure.reach - ROUNDING)
    rests, size = max((bar.rests for bar in bars), default=0.0), size_of(measure.meter)
    return min(rests, size) if size and rests else size or rests


def _voices(reader: PartReader, measures: Sequence[Measure], bars: Sequence[Placed]) -> list[list[Sound]]:
    """One part -> the lines in it. A tablature repeats what another staff says."""
    staves = {note.staff for bar in reader.bars for note in bar.notes}
    left_out = reader.tablatures if staves - reader.tablatures else set()
    lines = Lines()
    for bar in bars:
        if bar.index < len(reader.bars):
            notes = [
                note._replace(start=note.start + bar.shift, end=min(note.end + bar.shift, bar.length))
                for note in reader.bars[bar.index].notes
                if note.staff not in left_out and note.start + bar.shift < bar.length - ROUNDING
            ]
            lines.add(notes, bar.start, bar.length, measures[bar.index].filled + bar.shift)
    return lines.joined()


def _name(listed: Element | None) -> str:
    return "" if listed is None else (listed.findtext("part-name") or "").strip()


def _is_percussion(listed: Element | None, reader: PartReader) -> bool:
    """By its clef, else by its MIDI channel, which some programs give to anybody."""
    if reader.clefs or listed is None:
        return reader.clefs == {"percussion"} and not reader.unpitched  # what has both means its pitches
    return listed.findtext("midi-instrument/midi-channel") == "10"


def _tempos(readers) -> list[float]:
    """The tempos up to the bar after the first with notes: a later mark says nothing of the beginning."""
    count = max((len(reader.bars) for reader in readers), default=0)
    bars = [[reader.bars[i] for reader in readers if i < len(reader.bars)] for i in range(count)]
    first = next((i for i, same in enumerate(bars) if any(bar.notes for bar in same)), 0)
    return [tempo for same in bars[: first + 2] for bar in same for tempo in bar.tempos]


def _remarks(measures, kept: Sequence[Placed], meters: set[str], meter: str, unpitched: bool, order) -> list[str]:
    """What the visitor should know of the bars that are kept."""
    found = [measures[bar.index] for bar in kept]
    remarks = ["percussion was left out"] if unpitched else []
    if len(meters) > 1:
        remarks.append(f"its meter changes were left out: everything is in {meter}")
    over = {bar.index + 1 for bar in kept if measures[bar.index].reach > bar.length - bar.shift + ROUNDING}
    if over:
        first = f"bar {min(over)} holds" if len(over) == 1 else f"{len(over)} bars (the first is {min(over)}) hold"
        remarks.append(f"{first} more than the meter allows, and the excess was left out")
    size = size_of(found[-1].meter) if found else None
    if size and found[-1].several > 1 and kept[-1].length > size:
        remarks.append(f"bar {kept[-1].index + 1}, which holds several, was divided")
    if order != list(range(len(order))):
        remarks.append("its repeats were played out")
    elif any(bar.times or bar.ending - {1} for bar in found):
        remarks.append("its repeats were left out")
    if any(bar.jumps for bar in found):
        remarks.append("its D.C. or D.S. was not followed")
    return remarks


def _fields(root: Element) -> dict[str, str]:
    """The miscellaneous fields, by name."""
    found = root.findall("identification/miscellaneous/miscellaneous-field")
    return {each.get("name", ""): each.text or "" for each in found}


def _title(root: Element, style: str | None) -> str:
    """Of the movement, else of the work, else what stands above the notes as a title; none that a program made up."""
    said = [root.findtext("movement-title"), root.findtext("work/work-title"), _credit(root, "title")]
    none = {*NO_TITLES, STYLES[style].title.lower() if style else ""}
    return next((text for text in said if text and text.strip().lower() not in none), "")


def _author(root: Element) -> str:
    creators = root.findall("identification/creator")
    said = [creator.text for creator in creators if creator.get("type", "composer").lower() == "composer"]
    said.append(_credit(root, "composer"))
    found = (text.strip() for text in said if text)
    return next((t for t in found if t.lower() not in NO_AUTHORS and not t.startswith("Nonet")), "")


def _credit(root: Element, kind: str) -> str:
    """What is printed on the page as of this kind."""
    credits = [c for c in root.findall("credit") if (c.findtext("credit-type") or "").strip() == kind]
    return " ".join(words.text or "" for credit in credits[:1] for words in credit.findall("credit-words"))
