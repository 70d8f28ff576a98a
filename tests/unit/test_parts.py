"""A tune with a part of its own stays one line beside chords; which part is the tune is told and can be chosen."""

import pytest
from midis import file_of, tune
from sheets import back, bar, note, xml

from musicgen.io.seeds import SeedError, from_every_part, from_midi, from_musicxml

MELODY = [74, 71, 67, 62, 64, 67, 72, 71]
CHORDS = [(pitch, beat, beat + 2) for beat in (0, 2, 4, 6) for pitch in (67, 62, 59)]
BASS = tune([43, 48, 43, 50], length=2.0)


def voice(seed, number: int = 0) -> list[int]:
    return [n.pitch for n in seed.canvas.score.notes() if n.voice == number]


def test_a_tune_among_its_chords_is_one_line():
    seed = from_midi(file_of(("Fiddle", 0, tune(MELODY)), ("Guitar", 1, CHORDS)))
    assert voice(seed) == MELODY and len(seed.canvas.score.notes()) == 8 + 12
    assert "The tune is Fiddle, below it Guitar." in seed.message


def test_a_bass_of_its_own_stays_one_too():
    seed = from_midi(file_of(("Fiddle", 0, tune(MELODY)), ("", 1, BASS), ("", 2, CHORDS)))
    assert (voice(seed), voice(seed, 3)) == (MELODY, [43, 48, 43, 50])
    assert "4 notes beyond four at a time left out" in seed.message


def test_a_dance_keeps_the_tune_and_not_what_is_above_it():
    high = [(pitch + 24, start, end) for pitch, start, end in CHORDS]
    seed = from_midi(file_of(("Melody", 0, tune(MELODY)), ("Guitar", 1, high)), style="dance")
    assert [n.pitch % 12 for n in seed.canvas.score.notes()] == [pitch % 12 for pitch in MELODY]
    assert "The tune is Melody; only the top line was kept" in seed.message


def test_who_sings_is_the_tune_below_the_piano_too():
    singer = [bar(*(note(p, 2) for p in ("G4", "A4", "B4", "G4")), time="4/4")]
    right = "".join(note("D5", 4, staff=1) + note("B4", 4, staff=1, chord=True) for _ in range(2))
    left = "".join(note("G3", 4, staff=2, voice=5) + note("D3", 4, staff=2, voice=5, chord=True) for _ in range(2))
    seed = from_musicxml(xml(singer, [bar(right, back(8), left, time="4/4")], names=("Singstimme", "Klavier")))
    assert voice(seed) == [67, 69, 71, 67]
    assert "he tune is Singstimme, below it Klavier" in seed.message


def test_chords_that_hold_the_tune_do_not_repeat_it():
    both = [*CHORDS, *tune([pitch + 12 for pitch in MELODY])]
    seed = from_midi(file_of(("Voice", 0, tune([pitch + 12 for pitch in MELODY])), ("Piano", 1, both)))
    notes = [(n.pitch % 12, n.start) for n in seed.canvas.score.notes()]
    assert len(notes) == 8 + 12


@pytest.mark.parametrize("part", [2, "2", "guitar", " Guitar "])
def test_another_part_can_be_the_tune(part):
    seed = from_midi(file_of(("Fiddle", 0, tune(MELODY)), ("Guitar", 1, CHORDS)), part=part)
    assert voice(seed) == [67] * 4 and "The tune is Guitar, below it Fiddle" in seed.message


def test_every_part_is_offered():
    first, *others = from_every_part("a.mid", file_of(("", 0, tune(MELODY)), ("Guitar", 1, CHORDS)))
    assert [part.label for part in first.parts] == ["part 1", "Guitar"]
    assert [seed.tune.label for seed in others if seed.tune] == ["part 1", "Guitar"]
    assert len(from_every_part("a.mid", file_of(("", 0, tune(MELODY))))) == 1


def test_a_part_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(SeedError, match=r"no part 'Viola': choose one of 1 \(Fiddle\), 2"):
        from_midi(file_of(("Fiddle", 0, tune(MELODY)), ("", 1, CHORDS)), part="Viola")


def test_a_divided_chord_leaves_named_voices_as_they_are():
    soprano, alto, tenor, bass = [71, 69, 71, 74], [67, 62, 62, 67], [62, 66, 67, 62], [55, 50, 55, 43]
    voices = {"Soprano": soprano, "Alto": alto, "Tenor": tenor, "Bass": bass}
    tracks = [(name, i, tune(pitches)) for i, (name, pitches) in enumerate(voices.items())]
    tracks[0][2].append((67, 3, 4))
    tracks[3][2].append((55, 3, 4))
    seed = from_midi(file_of(*tracks))
    assert [voice(seed, number) for number in range(4)] == list(voices.values())
    assert "1 second note of the divided Soprano left out" in seed.message and "divided Bass" in seed.message
