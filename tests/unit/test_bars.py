"""How long bars are and in which order they are played: what is in a bar never moves what follows."""

import pytest
from sheets import back, bar, note, xml

from musicgen.io.seeds import from_musicxml

REPEAT = '<repeat direction="backward"/>'
FORWARD = '<repeat direction="forward"/>'
WHOLE_REST = '<note><rest measure="yes"/><duration>8</duration></note>'


def whole(*pitches: str, **how) -> list[str]:
    """Bars of 4/4, a whole note each."""
    return [bar(note(p, 8), time="" if i else "4/4", **how) for i, p in enumerate(pitches)]


def starts(*parts: list[str]) -> list[tuple[int, int]]:
    """Pitch and step of every note."""
    return [(n.pitch, n.start) for n in from_musicxml(xml(*parts)).canvas.score.notes()]


def message(*parts: list[str]) -> str:
    return from_musicxml(xml(*parts)).message


@pytest.mark.parametrize(
    "second",
    {
        "empty": "<measure/>",
        "a rest": bar(WHOLE_REST),
        "a rest too short": bar(note("", 2)),
        "a rest too long": bar(note("", 30)),
        "too few notes": bar(note("C5", 2)),
        "too many notes": bar(note("C5", 8), note("C5", 2)),
        "a note too long": bar(note("C5", 23)),
        "a move too far": bar(note("C5", 2), "<forward><duration>99</duration></forward>"),
        "a move back too far": bar(note("C5", 8), back(99), note("G4", 8, voice=2)),
        "a note of no length": bar(note("C5", 8), "<note><pitch><step>A</step><octave>4</octave></pitch></note>"),
        "a duration of 0": bar(
            "<note><pitch><step>A</step><octave>4</octave></pitch><duration>0</duration></note>", note("C5", 8)
        ),
        "a grace note of some length": bar(note("B4", 4, extra="<grace/>"), note("C5", 8)),
        "no bar lines that mean anything": bar(note("C5", 4), right="<bar-style>dashed</bar-style>"),
    }.items(),
    ids=lambda item: item[0],
)
def test_whatever_is_in_a_bar_the_next_begins_where_it_should(second):
    bars = [*whole("C5"), second[1], *whole("D5", "E5")[1:], bar(note("E5", 8))]
    assert (76, 32) in starts(bars)
    assert (76, 32) in starts([*whole("C3", "D3", "E3", "F3")], bars)


def test_what_a_bar_has_too_much_is_left_out_and_told():
    long = bar(note("D5", 8), note("C5", 2))
    assert starts([*whole("C5"), long, bar(note("E5", 8))]) == [(72, 0), (74, 16), (76, 32)]
    assert "Bar 2 holds more than the meter allows" in message([*whole("C5"), long, bar(note("E5", 8))])
    assert "2 bars (the first is 1) hold more" in message([bar(note("D5", 9), time="4/4"), long])
    assert "hold" not in message(whole("C5", "D5"))


def test_a_piece_without_bar_lines_is_divided_and_told():
    tune, held = [note("C5", 2) for _ in range(16)], note("C3", 16, voice=2)
    for line in ("".join(tune), "".join(tune) + back(32) + held * 2, "".join(tune) + note("", 5)):
        found = [start for pitch, start in starts([bar(line, time="4/4")]) if pitch == 72]
        assert found == [i * 4 for i in range(16)]
    assert "Bar 2, which holds several, was divided" in message([*whole("E5"), bar("".join(tune))])
    assert "Bar 1 holds more" in message([bar("".join(tune), time="4/4")], [*whole("C3")])  # the other part is whole
    assert "Bar 1 holds more" in message([bar("".join(tune), time="4/4"), *whole("C5")])  # something follows
    assert "Bar 1 holds more" in message([bar(note("C5", 99), time="4/4")])  # nothing begins after the first bar


def test_parts_may_have_meters_of_their_own():
    two = [bar(note("C5", 4), time="2/4"), bar(note("D5", 4))]
    three = [bar(note("E4", 2), note("F4", 4), time="3/4"), bar(note("G4", 6))]
    for parts in ([two, three], [three, two]):
        assert sorted(starts(*parts)) == [(64, 0), (65, 4), (67, 12), (72, 0), (74, 12)]
        assert "more than" not in message(*parts)
    only_one_says_so = [bar(note("C3", 4)), bar(note("C3", 4)), bar(note("D3", 4))]
    only_one_says_so[0] = bar(note("C3", 8), time="4/4")
    assert (50, 24) in starts([*whole("C5"), bar(note("E5", 4), time="2/4"), bar(note("G5", 4))], only_one_says_so)


def test_rounded_thirds_are_not_too_much():
    third = "<note><pitch><step>C</step><octave>5</octave></pitch><duration>{}</duration></note>"
    head = "<attributes><divisions>100</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    full = "".join(third.format(n) for n in (33, 33, 34) * 3 + (34, 34, 34))
    seed = from_musicxml(xml([f"<measure>{head}{full}</measure>", *whole("D5")]))
    assert "more than" not in seed.message and (74, 16) in [(n.pitch, n.start) for n in seed.canvas.score.notes()]


@pytest.mark.parametrize("kind", ["", 'implicit="yes" number="0"'])
def test_an_upbeat_is_as_long_as_its_notes_whatever_rests_beside_them(kind):
    tune = [bar(note("D5", 2), time="4/4", kind=kind), *whole("G4", "A4")[1:], bar(note("B4", 8))]
    for rest in (WHOLE_REST, note("", 8), ""):
        other = [bar(rest, time="4/4", kind=kind), bar(note("G3", 8)), bar(note("D3", 8))]
        assert (74, 12) in starts(tune, other) and (71, 32) in starts(tune, other)
    staves = bar(note("D5", 2), back(2), note("", 8, voice=2), time="4/4", kind=kind)
    assert starts([staves, bar(note("G4", 8))]) == [(74, 12), (67, 16)]


def test_a_first_bar_that_ends_with_rests_is_no_upbeat():
    assert starts([bar(note("C5", 2), note("", 6), time="4/4"), bar(note("D5", 8))]) == [(72, 0), (74, 16)]
    assert starts([bar(note("", 6), note("C5", 2), time="4/4"), bar(note("D5", 8))]) == [(72, 12), (74, 16)]


@pytest.mark.parametrize("left", ["", FORWARD])
@pytest.mark.parametrize("right", [REPEAT, "<bar-style>light-light</bar-style>"])
def test_a_bar_that_a_line_splits_is_one(left, right):
    bars = [*whole("C5", "D5"), bar(note("E5", 6), right=right), bar(note("F5", 2), left=left), bar(note("G5", 8))]
    found = starts(bars)
    assert [start % 16 for pitch, start in found if pitch in (72, 74, 76, 77, 79)][-3:] == [0, 12, 0]


def test_an_upbeat_in_the_middle_stands_before_its_bar_line():
    bars = [*whole("C5", "D5"), bar(note("E5", 2), kind='implicit="yes"'), bar(note("F5", 8))]
    assert starts(bars) == [(72, 0), (74, 16), (76, 44), (77, 48)]


def test_phrases_of_a_hymn_begin_with_upbeats():
    bars = [
        bar(note("C5", 2), time="4/4"),
        bar(note("D5", 8)),
        bar(note("E5", 6)),
        bar(note("F5", 2)),
        bar(note("G5", 8)),
    ]
    assert starts(bars) == [(72, 12), (74, 16), (76, 32), (77, 44), (79, 48)]


def test_the_upbeat_of_a_repeat_completes_its_last_bar():
    bars = [bar(note("C5", 2), time="4/4"), bar(note("D5", 8)), bar(note("E5", 6), right=REPEAT), bar(note("F5", 8))]
    assert starts(bars) == [(72, 12), (74, 16), (76, 32), (72, 44), (74, 48), (76, 64), (77, 80)]


def test_meters_change_and_each_bar_keeps_its_own():
    bars = [*whole("C5", "D5"), bar(note("E5", 6), time="3/4"), bar(note("F5", 6)), bar(note("G5", 8), time="4/4")]
    assert starts(bars) == [(72, 0), (74, 16), (76, 32), (77, 44), (79, 56)]


def test_short_bars_of_two_meters_are_no_halves_of_one():
    bars = [*whole("C5"), bar(note("D5", 2), time="4/4"), bar(note("E5", 2), time="2/4"), bar(note("F5", 4))]
    assert starts(bars) == [(72, 0), (74, 16), (76, 32), (77, 40)]


def test_bars_without_a_meter_are_as_long_as_their_notes():
    free = "<attributes><divisions>2</divisions><time><senza-misura/></time></attributes>"
    bars = [bar(free, note("C5", 10)), bar(note("D5", 4)), bar(note("E5", 2))]
    assert starts(bars) == [(72, 0), (74, 20), (76, 28)]


@pytest.mark.parametrize(
    ("late", "length"),
    [("480", 480), ("8", 8), ("", 480)],
    ids=["late", "another late", "missing: by the notes' shape"],
)
def test_divisions_may_come_late_or_not_at_all(late, length):
    quarter = f"<pitch><step>C</step><octave>5</octave></pitch><duration>{length}</duration><type>quarter</type>"
    divisions = f"<divisions>{late}</divisions>" if late else ""
    time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    played = f"<note>{quarter}</note>"
    first = f"<measure>{played}<attributes>{divisions}{time}</attributes>{played * 3}</measure>"
    assert starts([first, f"<measure>{played * 4}</measure>"]) == [(72, i * 4) for i in range(8)]


def test_a_note_without_a_duration_lasts_as_its_shape():
    shaped = "<note><pitch><step>C</step><octave>5</octave></pitch><type>quarter</type><dot/></note>"
    third = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    assert starts([bar(shaped, note("D5", 1), time="4/4")]) == [(72, 0), (74, 6)]
    halves = "<note><pitch><step>C</step><octave>5</octave></pitch><type>half</type>" + third + "</note>"
    assert (74, 8) in starts([bar(halves * 3, back(8), note("", 4), note("D5", 2), time="4/4")])


def ending(turns: str, *, stop: bool = True) -> tuple[str, str]:
    end = f'<ending number="{turns}" type="{"stop" if stop else "discontinue"}"/>'
    return f'<ending number="{turns}" type="start"/>', end


def order(bars: list[str]) -> str:
    """The bars as played: a letter each, by pitch."""
    letters = {72: "C", 74: "D", 76: "E", 77: "F", 79: "G", 69: "A"}
    return "".join(letters[pitch] for pitch, _ in starts(bars))


def test_repeats_are_played_out_and_told():
    first, last = whole("C5")[0], bar(note("F5", 8))
    assert order([first, bar(note("D5", 8), right=REPEAT), last]) == "CDCDF"
    assert order([first, bar(note("D5", 8), left=FORWARD), bar(note("E5", 8), right=REPEAT), last]) == "CDEDEF"
    thrice = bar(note("D5", 8), right='<repeat direction="backward" times="3"/>')
    assert order([first, thrice, last]) == "CDCDCDF"
    assert order([first, bar(note("D5", 8), right=REPEAT), bar(note("E5", 8), right=REPEAT), last]) == "CDCDEEF"
    assert "ts repeats were played out" in message([first, bar(note("D5", 8), right=REPEAT), last])
    assert "repeat" not in message(whole("C5", "D5"))


def test_repeats_inside_repeats_are_played_too():
    first = bar(note("C5", 8), time="4/4", left=FORWARD)
    inner = bar(note("D5", 8), left=FORWARD, right=REPEAT)
    outer = bar(note("E5", 8), right=REPEAT)
    assert order([first, inner, outer, bar(note("F5", 8))]) == "CDDECDDEF"
    assert order([first, inner, bar(note("E5", 8)), bar(note("F5", 8))]) == "CDDEF"  # the outer one never ends
    assert order([*whole("C5"), inner, outer]) == "CDDEE"  # the second begins where the first ended
    one, two = ending("1"), ending("2", stop=False)
    voltas = [
        bar(note("D5", 8), left=FORWARD),
        bar(note("E5", 8), left=one[0], right=one[1] + REPEAT),
        bar(note("F5", 8), left=two[0], right=two[1]),
    ]
    assert order([first, *voltas, bar(note("G5", 8), right=REPEAT)]) == "CDEDFGCDEDFG"


def test_endings_are_played_in_their_turns():
    first, last = whole("C5")[0], bar(note("F5", 8))
    one, two = ending("1"), ending("2", stop=False)
    again = bar(note("D5", 8), left=one[0], right=one[1] + REPEAT)
    assert order([first, again, bar(note("E5", 8), left=two[0], right=two[1]), last]) == "CDCEF"
    assert order([first, again, last]) == "CDCF"  # the second turn has no bracket
    four = ending("4")
    for turns in ("1, 2, 3", "1,2,3", "1.-3.", "1 - 3"):
        often = bar(note("D5", 8), left=ending(turns)[0], right=ending(turns)[1] + REPEAT)
        assert order([first, often, bar(note("E5", 8), left=four[0], right=four[1]), last]) == "CDCDCDCEF"
    long = [bar(note("D5", 8), left=one[0]), bar(note("G5", 8), right=one[1] + REPEAT)]
    assert order([first, *long, bar(note("E5", 8), left=two[0], right=two[1]), last]) == "CDGCEF"
    nameless = bar(note("D5", 8), left='<ending type="start"/>', right=one[1] + REPEAT)
    assert order([first, nameless, bar(note("E5", 8), left=two[0], right=two[1]), last]) == "CDCEF"


def test_a_first_ending_that_is_left_open_lasts_until_the_repeat():
    first, last = whole("C5")[0], bar(note("F5", 8))
    one, two = ending("1", stop=False), ending("2", stop=False)
    second = bar(note("E5", 8), left=two[0], right=two[1])
    opened = [bar(note("D5", 8), left=one[0], right=one[1]), bar(note("G5", 8)), bar(note("A4", 8), right=REPEAT)]
    assert order([first, *opened, second, last]) == "CDGACEF"
    opened[0] = bar(note("D5", 8), left=one[0])  # without any end
    assert order([first, *opened, second, last]) == "CDGACEF"
    later = [bar(note("G5", 8)), bar(note("A4", 8), right=REPEAT)]
    closed = bar(note("D5", 8), left=ending("1")[0], right=ending("1")[1] + REPEAT)
    assert order([first, closed, second, *later]) == "CDCEGAGA"  # a second ending lasts as long as it is drawn


def test_endings_that_make_no_sense_leave_the_bars_as_written():
    two = ending("2")
    bars = [*whole("C5"), bar(note("D5", 8), left=two[0], right=two[1]), bar(note("E5", 8))]
    assert order(bars) == "CDE" and "ts repeats were left out" in message(bars)


def test_a_bracket_without_a_repeat_says_nothing():
    one = ending("1")
    assert "repeat" not in message([*whole("C5"), bar(note("D5", 8), left=one[0], right=one[1])])


def test_a_repeat_that_never_ends_is_none():
    assert order([*whole("C5"), bar(note("D5", 8), left=FORWARD), bar(note("E5", 8))]) == "CDE"


@pytest.mark.parametrize(
    "sign",
    ['<sound dacapo="yes"/>', '<sound dalsegno="1"/>']
    + [f"<direction><direction-type><words>{w}</words></direction-type></direction>" for w in ("D.C. al Fine", "D. S.")]
    + ["<direction><direction-type><words>Da Capo al Coda</words></direction-type></direction>"],
)
def test_a_da_capo_is_not_followed_but_told(sign):
    bars = [*whole("C5", "D5"), bar(note("E5", 8), sign)]
    assert order(bars) == "CDE" and "D.C. or D.S. was not followed" in message(bars)


def test_a_sign_for_the_bar_before_is_played_as_that_bar():
    sign = '<attributes><measure-style><measure-repeat type="{}">1</measure-repeat></measure-style></attributes>'
    bars = [
        *whole("C5"),
        bar(sign.format("start"), WHOLE_REST),
        bar(WHOLE_REST),
        bar(sign.format("stop"), note("D5", 8)),
    ]
    assert order(bars) == "CCCD"


@pytest.mark.parametrize("times", [99, 0, -1, "many", 10**30])
def test_endless_repeats_end(times):
    again = bar(note("D5", 8), right=f'<repeat direction="backward" times="{times}"/>')
    assert order([*whole("C5"), again])[:4] == "CDCD"
