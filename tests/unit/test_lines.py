"""One line stays one voice, however the file numbers it; what repeats another staff or only cues is none."""

import pytest
from sheets import back, bar, note, xml

from musicgen.io.seeds import from_musicxml

FIRST, SECOND = ("G4", "A4", "B4", "C5"), ("D5", "C5", "B4", "A4")
TUNE = [(0, p, i * 4, 4) for i, p in enumerate((67, 69, 71, 72, 74, 72, 71, 69))]


def found(*parts: list[str], **how) -> list[tuple[int, int, int, int]]:
    return [(n.voice, n.pitch, n.start, n.duration) for n in from_musicxml(xml(*parts, **how)).canvas.score.notes()]


def quarters(pitches, **how) -> str:
    return "".join(note(p, 2, **how) for p in pitches)


def test_voices_renumbered_at_a_bar_are_one_line():
    assert found([bar(quarters(FIRST), time="4/4"), bar(quarters(SECOND, voice=3))]) == TUNE


def test_a_voice_may_take_over_inside_a_bar():
    first = quarters(FIRST[:2]) + quarters(FIRST[2:], voice=2)
    assert found([bar(first, time="4/4"), bar(quarters(SECOND, voice=2))]) == TUNE
    low = bar(note("C4", 2) + quarters(("E4", "G4"), voice=2) + note("", 2), time="4/4")
    assert len({n[0] for n in found([low, low])}) == 2  # again and again it is another voice


def test_two_voices_renumbered_are_two_lines():
    low = ("E4", "F4", "G4", "A4")
    one = quarters(FIRST) + back(8) + quarters(low, voice=2)
    two = quarters(SECOND, voice=3) + back(8) + quarters(low, voice=4)
    notes = found([bar(one, time="4/4"), bar(two)])
    assert [n for n in notes if n[0] == 0] == TUNE and {n[0] for n in notes} == {0, 1}


def test_a_line_that_crosses_staves_is_one():
    across = quarters(FIRST[:2], staff=1) + quarters(FIRST[2:], staff=2)
    assert found([bar(across, time="4/4"), bar(quarters(SECOND, staff=2))]) == TUNE
    chord = note("C5", 8, staff=1) + note("E4", 8, staff=2, chord=True)
    assert [n[1] for n in found([bar(chord, time="4/4")])] == [72, 64]


def test_staves_that_number_their_voices_alike_stay_apart():
    both = quarters(FIRST, staff=1) + back(8) + note("C3", 8, staff=2)
    after = quarters(SECOND, staff=1) + back(8) + note("D3", 8, staff=2)
    notes = found([bar(both, time="4/4"), bar(after)])
    assert [n for n in notes if n[0] == 0] == TUNE and [n[1:] for n in notes if n[0]] == [(48, 0, 16), (50, 16, 16)]


@pytest.mark.parametrize("how", [{"voice": 2}, {"staff": 2}, {"voice": 5, "staff": 2}], ids=str)
def test_ties_join_across_voices_and_staves(how):
    one = note("C5", 4) + note("G4", 4, tie="start")
    two = note("E5", 8) + back(8) + note("G4", 4, tie="stop", **how) + note("F4", 4, **how)
    notes = found([bar(one, time="4/4"), bar(two)])
    assert (67, 8, 16) in [n[1:] for n in notes] and (67, 16) not in [n[1:3] for n in notes]


def test_a_tie_prefers_its_own_voice():
    both = note("", 4) + note("G4", 4, tie="start") + back(8) + note("G4", 8, voice=2, tie="start")
    after = note("E5", 8) + back(8) + note("G4", 8, voice=2, tie="stop")
    notes = found([bar(both, time="4/4"), bar(after)])
    assert {(67, 0, 32), (67, 8, 8)} <= {n[1:] for n in notes}


def test_ties_drawn_but_not_sounded_join_too():
    drawn = '<notations><tied type="{}"/></notations>'
    bars = [bar(note("C5", 8, extra=drawn.format("start")), time="4/4"), bar(note("C5", 8, extra=drawn.format("stop")))]
    assert found(bars) == [(0, 72, 0, 32)]


def test_a_tie_reaches_over_what_a_bar_lacks():
    bars = [bar(note("C5", 8), time="4/4"), bar(note("C5", 6, tie="start")), bar(note("C5", 8, tie="stop"))]
    assert found(bars) == [(0, 72, 0, 16), (0, 72, 16, 32)]


@pytest.mark.parametrize(
    "head",
    [
        '<clef number="2"><sign>TAB</sign></clef>',
        '<staff-details number="2"><staff-type>alternate</staff-type></staff-details>',
    ],
)
def test_a_tablature_below_its_staff_is_no_voice(head):
    bars = [quarters(p, staff=1) + back(8) + quarters(reversed(p), voice=5, staff=2) for p in (FIRST, SECOND)]
    assert found([bar(bars[0], time="4/4", head=head), bar(bars[1])]) == TUNE


def test_a_tablature_alone_is_read():
    head = "<clef><sign>TAB</sign></clef>"
    assert found([bar(quarters(FIRST), time="4/4", head=head), bar(quarters(SECOND))]) == TUNE


def test_a_part_that_doubles_another_is_no_voice():
    part = [bar(quarters(FIRST), time="4/4"), bar(quarters(SECOND))]
    low = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    for other in (part, [bar(quarters(FIRST), time="4/4", head=low), bar(quarters(SECOND))]):
        seed = from_musicxml(xml(part, other, names=("Guitar", "Tablature")))
        assert [(n.voice, n.pitch, n.start, n.duration) for n in seed.canvas.score.notes()] == TUNE
        assert "1 part that doubled another left out" in seed.message
    long = [*part, bar(quarters(FIRST))]
    almost = [*part, bar(quarters((*FIRST[:3], "D5")))]
    assert {n[0] for n in found(long, almost)} == {0}
    assert {n[0] for n in found(part, [part[0], bar(quarters(reversed(SECOND)))])} == {0, 1}


def test_cue_and_grace_notes_are_no_voice():
    cue = quarters(("E4", "E4", "E4", "E4"), voice=2, extra="<cue/>")
    grace = note("F5", 0, extra="<grace/>", voice=2)
    bars = [bar(quarters(FIRST) + back(8) + cue, time="4/4"), bar(grace + quarters(SECOND))]
    assert found(bars) == TUNE


def test_a_sign_without_an_alteration_is_believed():
    sharp = note("F4", 8, extra="<accidental>sharp</accidental>").replace("<alter>0</alter>", "")
    assert found([bar(sharp, time="4/4")]) == [(0, 66, 0, 16)]


def test_a_pitched_part_on_the_drums_channel_is_heard():
    info = "<midi-instrument><midi-channel>10</midi-channel></midi-instrument>"
    treble = "<clef><sign>G</sign></clef>"
    assert found([bar(quarters(FIRST), time="4/4", head=treble), bar(quarters(SECOND))], info=info) == TUNE


def test_percussion_alone_is_refused_with_advice():
    hit = "<note><unpitched/><duration>8</duration></note>"
    clef = "<clef><sign>percussion</sign></clef>"
    for part in ([bar(hit, time="4/4")], [bar(note("C4", 8), time="4/4", head=clef)]):
        with pytest.raises(ValueError, match=r"only percussion.*choose one with a melody"):
            from_musicxml(xml(part))


def test_a_pitch_written_by_hand_is_read():
    written = note("C5", 8).replace("<step>C", "<step> c").replace("<octave>5", "<octave>\n5.0 ")
    assert found([bar(written, time="4/4")]) == [(0, 72, 0, 16)]


def test_pitches_among_percussion_are_heard():
    hit, clef = "<note><unpitched/><duration>4</duration></note>", "<clef><sign>percussion</sign></clef>"
    assert found([bar(hit, note("C5", 4), time="4/4", head=clef)]) == [(0, 72, 8, 8)]


def test_more_voices_than_can_be_told_apart_are_pooled():
    many = back(0).join(note("C5", 1, voice=v) for v in range(99))
    assert len(found([bar(many, time="4/4"), bar(note("C5", 8))])) == 9
