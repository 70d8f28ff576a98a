"""What the cards say beside the figures: how a model is built, takes what it is given, and what its music looks like.

No figures stand here: those are measured.
"""

from dataclasses import dataclass

from train.diagrams import Box, Diagram


@dataclass(frozen=True)
class Words:
    diagram: Diagram
    seed: str  # how the given notes act on what is composed
    length: str  # how the asked length does
    seen: str  # what ten rolls and two engraved pieces look like, good and bad


def forward(backbone: Box) -> Diagram:
    """The five that move forward in time differ in their backbone alone."""
    return Diagram(
        (
            (
                Box("style, meter, place in the bar, how far the end is", "given"),
                Box("the frames so far, as facts: pitches, intervals, ages, key", "given"),
            ),
            (Box("sum of embeddings"),),
            (backbone,),
            (Box("voice head: soprano, bass, alto, tenor, each knowing those before"),),
            (Box("the next frame: four cells", "drawn"),),
        ),
        feedback="what was chosen, or was given, is part of the past",
    )


FORWARD = {
    "seed": "It is read frame by frame and sets key, motion, register and, where all voices are given from the start,"
    " the pace: if its notes are longer or shorter than foreseen, later ones are made so too. A given voice is seen"
    " before the other voices of its frame are chosen, but what is given later on is not seen before its time comes.",
    "length": "Every frame is told how far the end is, step by step in the last bars, so that the piece closes there."
    " The last bar and a half is composed many times over, and the likeliest close is taken.",
}

WORDS = {
    "autoregressive": Words(
        diagram=forward(Box("gated causal convolutions in doubling strides, cached")),
        seen="Plain quarters with suspensions in the alto and a bass that walks far, down to its lowest notes for a "
        "close; phrases arch and fall, and most close at home on a long chord. The soprano may leap up an octave "
        "where a phrase begins; tenor and bass cross where they crowd together. Dances take up turns of the seed, in "
        "quavers that rise and fall; most end on a long note, some run on to the last step without settling.",
        **FORWARD,
    ),
    "cnn": Words(
        diagram=Diagram(
            (
                (
                    Box("style, meter, place in the bar, how far the end is", "given"),
                    Box("known cells as rolls, pitch x time; nearest known pitches; key; which are unknown", "given"),
                ),
                (Box("convolutions over pitch x time, in eighths, near at octaves, fifths and thirds"),),
                (Box("dilated convolutions over time, all pitches as one, by their degree in the key"),),
                (Box("convolutions over pitch x time"),),
                (Box("notes here and there, parallels made unlikely by a rule", "drawn"),),
            ),
            feedback="what was drawn is known; pass after pass, some of it is forgotten and drawn anew",
        ),
        seed="Every given cell is known from the first pass on, wherever it stands: a melody that is to be harmonised, "
        "or the bars after a gap, act on what is drawn to their left as well as to their right.",
        length="The whole length lies there from the beginning, and every step is told how far the end is. The first "
        "passes go through it bar by bar; later ones revise the close and the opening alike. In the last bar the "
        "temperature is halved.",
        seen="Chords that fit, closes that hold, and a given ending is prepared; voices move mostly in quarters with "
        "passing eighths, some with suspensions. Now and then a note is held over the beat where nothing asks for it, "
        "the bass leaps far down for a single note or a voice leaves its place for a beat; phrases aim at no goal "
        "before the last, and some close on a chord that is not home. Dances are calmer than their seeds: they rock "
        "about one note or step in arches, may jump an octave away from the seed, and come to rest on a long note; "
        "figures do not come back.",
    ),
    "gan": Words(
        diagram=Diagram(
            (
                (
                    Box("style, meter, place in the bar, how far the end is", "given"),
                    Box("the frames so far, as facts: pitches, intervals, ages, key", "given"),
                ),
                (Box("generator: a gated recurrent unit", again=True),),
                (Box("voice head: soprano, bass, alto, tenor, each knowing those before"),),
                (Box("several proposals for two bars", "drawn"),),
                (Box("critic: convolutions over facts of every frame"),),
                (Box("the proposal it believes most"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        seed="It is read frame by frame and sets key, motion, register and, where all voices are given from the start, "
        "the pace; a given voice is seen before the other voices of its frame are chosen. The critic judges two bars "
        "together with the two before them, given or composed, and so prefers what goes on from them.",
        length="Generator and critic are told how far the end is, step by step in the last bars. The last bar and a "
        "half are not the critic's choice: as in the forward models the likeliest of several ways to close is taken.",
        seen="Chorales with passing notes in all voices, suspensions and chromatic turns, and broad closes with the "
        "bass far down; some close in another key than they began in. All voices may stand still for a bar where a "
        "phrase ends, and bass and tenor cross where they crowd together. Dances rise and fall in wide arcs and nearly "
        "all close on a repeated or long home note; some climb an octave above their seed and stay there.",
    ),
    "gru": Words(
        diagram=forward(Box("gated recurrent unit", again=True)),
        seen="Chorales in plain quarters with passing notes, over a bass that walks to real cadences, with suspensions "
        "and raised leading notes before a close on a long chord. The soprano may leap up an octave where a phrase "
        "begins, and the bass may lie at the bottom of its range for bars. Dances keep meter and range, move in scales "
        "and broken chords and mostly rest on a repeated or long note; the seed's figures seldom come back.",
        **FORWARD,
    ),
    "lstm": Words(
        diagram=forward(Box("long short-term memory", again=True)),
        seen="Phrases that arch and fall to a close in long chords, with raised leading notes, and quavers that "
        "wander through the middle voices. Soprano and bass leap an octave where a phrase begins or ends, for a "
        "single low note at times; one soprano climbed far above the other voices and stayed there. Dances run in "
        "scales over more than an octave, turn back where a part ends and rest on a home note at last; figures are "
        "varied rather than repeated.",
        **FORWARD,
    ),
    "rnn": Words(
        diagram=forward(Box("plain recurrence, tanh", again=True)),
        seen="Real cadences, long chords where phrases end, passing notes in all voices, and a long chord at the "
        "close. Over phrases it forgets: one chorale closed a tone away from the key it began in, and once all voices "
        "but the tenor stood still for a bar. The bass jumps an octave or more in the middle of a phrase. Dances move "
        "by step around few notes, jump to another octave at times, and come to rest on a repeated or long note.",
        **FORWARD,
    ),
    "seq2seq": Words(
        diagram=Diagram(
            (
                (
                    Box("style, meter, place in the bar, how far the end is", "given"),
                    Box("every given cell of the piece", "given"),
                    Box("the frames so far, as facts", "given"),
                ),
                (
                    Box("encoder: a GRU from either end", again=True),
                    Box("sum of embeddings"),
                ),
                (Box("decoder: a GRU that sees the encoder's frame", again=True),),
                (Box("attention over all of the encoder's frames"),),
                (Box("voice head: soprano, bass, alto, tenor, each knowing those before, and what is given next"),),
                (Box("the next frame: four cells", "drawn"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        seed="All that is given is read before the first note is written, wherever in the piece it stands: a tune to "
        "its end when it is harmonised, both sides of a gap when it is repaired. Where all voices are "
        "given from the start, they set the pace of the rest.",
        length=FORWARD["length"],
        seen="Phrases in plain quarters that halt on long chords as chorales do, with leading notes raised before a "
        "close and quavers in the middle voices; nearly all come to a firm close, some in the dominant and not at "
        "home. The soprano may leap up an octave where a phrase begins and then stays far above the others, and the "
        "bass goes deep for its cadences. Dances run in scales and turns and come home to long or repeated notes; "
        "figures seldom come back.",
    ),
    "transformer": Words(
        diagram=forward(Box("causal self-attention with rotary positions, keys and values cached")),
        seen="Dances take up the seed's figures and rhythms and bring them back varied; many come to rest on a home "
        "note, some run on to the last step. Chorales are plain and mostly in key over a walking bass, with "
        "suspensions and raised leading notes before a broad close; the soprano may leap up an octave where a phrase "
        "begins and stays far from the others, and the bass goes very deep for a close.",
        **FORWARD,
    ),
    "vae": Words(
        diagram=Diagram(
            (
                (
                    Box("what is fixed in the next two bars and in the two after", "given"),
                    Box("the frames so far, as facts: pitches, intervals, ages, key", "given"),
                ),
                (Box("prior of the latent vector of the next two bars"),),
                (Box("latent vector, with noise of a known level", "drawn"),),
                (Box("conductor: a plan for every beat, and from it for every frame"),),
                (Box("plan and facts into a gated recurrent unit", again=True),),
                (Box("voice head: soprano, bass, alto, tenor, each knowing those before"),),
                (Box("the next frame: four cells", "drawn"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        seed="It is read frame by frame, as by the forward models, and sets the pace as there; the outline of each two "
        "bars is drawn from what came before. That outline also knows what is given in these two bars and the next "
        "two, so that a fixed tune or ending is prepared; in a frame, given voices are seen before the others are "
        "chosen. Two seeds of one length can be morphed into each other, and one can be varied: both take a latent "
        "vector from the notes.",
        length="Every frame is told how far the end is, step by step in the last bars; a last odd bar is outlined by "
        "itself. The last bar and a half is composed many times over, and the likeliest close is taken.",
        seen="Every voice moves, with real closes on a long chord, but it does not stay at home: keys change from bar "
        "to bar with nothing to prepare them, chromatic notes abound, and what was far apart for two bars may be "
        "crowded in the next two, the voices crossing. Two bars hang together better than four. Dances are simple and "
        "clear, in runs between long notes, and come home to a long one; some jump an octave from one outline to the "
        "next, or halt on one note for a bar.",
    ),
}
