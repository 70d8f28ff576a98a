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
    "seed": "It is read frame by frame and sets key, motion and register. A given voice is seen before the other voices"
    " of its frame are chosen, but what is given later on is not seen before its time comes.",
    "length": "Every frame is told how far the end is, step by step in the last bars, so that the piece closes there.",
}

WORDS = {
    "autoregressive": Words(
        diagram=forward(Box("gated causal convolutions in doubling strides, cached")),
        seen="Busy inner voices over a walking bass, and phrases that end on long chords. It may lose its key: "
        "chromatic steps lead away and not back, and a chorale then closes far from where it began. Once the "
        "seed's last chord was held for a whole bar more. Dances rise and fall in even quavers and hardly take up"
        " a motif.",
        **FORWARD,
    ),
    "cnn": Words(
        diagram=Diagram(
            (
                (
                    Box("style, meter, place in the bar, how far the end is", "given"),
                    Box("known cells as rolls, pitch x time; nearest known pitches; key; which are unknown", "given"),
                ),
                (Box("convolutions over pitch x time, near at octaves, fifths and thirds"),),
                (Box("dilated convolutions over time, all pitches as one"),),
                (Box("convolutions over pitch x time"),),
                (Box("notes here and there, parallels made unlikely by a rule", "drawn"),),
            ),
            feedback="what was drawn is known; pass after pass, some of it is forgotten and drawn anew",
        ),
        seed="Every given cell is known from the first pass on, wherever it stands: a melody that is to be harmonised, "
        "or the bars after a gap, act on what is drawn to their left as well as to their right.",
        length="The whole length lies there from the beginning, and every step is told how far the end is. The first "
        "passes go through it bar by bar; later ones revise the close and the opening alike.",
        seen="Chords that fit and closes that hold, and a given ending is prepared. But notes are chopped: some begin "
        "off the beat, or break off and begin again where singers would hold, and voices cross or crowd together. It "
        "goes from bar to bar without a phrase in mind. Dances are calmer than their seeds and move by step round a "
        "note that they come back to.",
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
                (Box("eight proposals for two bars", "drawn"),),
                (Box("critic: convolutions over facts of every frame"),),
                (Box("the proposal it believes most"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        seed="It is read frame by frame and sets key, motion and register; a given voice is seen before the other "
        "voices of its frame are chosen. The critic judges two bars together with the two before them, given or "
        "composed, and so prefers what goes on from them.",
        length="Generator and critic are told how far the end is, step by step in the last bars. The last bar and a "
        "half are not the critic's choice: as in the forward models the likeliest of several ways to close is taken.",
        seen="Chorales in phrases with passing notes in all voices, long chords at their ends and a close on a root, "
        "busier than the GRU it comes from. The bass may leap more than an octave down for a single chord, soprano and "
        "alto can lie far apart, and a phrase may turn to a key that it does not come back from. Dances keep meter "
        "and range, mostly in steps and broken chords; figures are rocked on the spot but seldom brought back, some "
        "repeat their last note, and one ran on to the last step without settling.",
    ),
    "gru": Words(
        diagram=forward(Box("gated recurrent unit", again=True)),
        seen="Chorales in clear phrases, with suspensions and passing notes, and a close on a long chord; the key may "
        "drift on the way, from a major seed to a minor close. Dances keep the meter and the range of their seed,"
        " but wander: bars do not come back as they do in a real tune, and the last note is often not the key's.",
        **FORWARD,
    ),
    "lstm": Words(
        diagram=forward(Box("long short-term memory", again=True)),
        seen="Chorales in even quarters over an active bass; most close in the seed's key, once with the raised third "
        "that Bach likes. Now and then the last chord stands on its third, or soprano and bass move in parallel. "
        "Dances find home more often than not, by way of plain scales and broken chords, and leave the seed's "
        "figures behind.",
        **FORWARD,
    ),
    "rnn": Words(
        diagram=forward(Box("plain recurrence, tanh", again=True)),
        seen="From beat to beat as sound as its gated relatives, with real cadences. Over phrases it forgets: it goes "
        "to keys that nothing prepares and does not always come back. Dances move by neighbouring notes; where "
        "one falls into a dotted or a repeated figure, it stays in it to the end.",
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
                (Box("voice head: soprano, bass, alto, tenor, each knowing those before"),),
                (Box("the next frame: four cells", "drawn"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        seed="All that is given is read before the first note is written, wherever in the piece it stands: a tune to "
        "its end when it is harmonised, both sides of a gap when it is repaired.",
        length=FORWARD["length"],
        seen="Phrases of quarters and halves over a bass that walks down and leaps to its cadences, with suspensions "
        "and passing notes in the middle voices; nearly all close on a long chord, outer voices coming to it by step. "
        "Voices may settle into plain chords for bars, and the register drifts from the seed's. Dances run in scales "
        "and turns, rest on long notes where a phrase ends, mostly find a home note, and seldom bring a figure back.",
    ),
    "transformer": Words(
        diagram=forward(Box("causal self-attention with rotary positions, keys and values cached")),
        seen="Some of its dances take up figures of the seed, rocking between two notes or round a chord as reels do; "
        "some run on to the last step without settling. Chorales are plain and mostly in key, with parallel "
        "motion between outer and inner voices here and there, and once a soprano that leaps up and stays there.",
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
        seed="It is read frame by frame, as by the forward models, and the outline of each two bars is drawn from what "
        "came before. That outline also knows what is given in these two bars and the next two, so that a fixed tune "
        "or ending is prepared; in a frame, given voices are seen before the others are chosen. Two seeds of one "
        "length can be morphed into each other, and one can be varied: both take a latent vector from the notes.",
        length="Every frame is told how far the end is, step by step in the last bars; a last odd bar is outlined by "
        "itself.",
        seen="Lively chorales: every voice moves, the soprano in arches, with real closes on a long chord. Two bars "
        "hang together better than four: where one outline ends and the next begins, key or register may jump, the "
        "bass climbs into the tenor for a while, and leaps are wider than a singer likes. Dances leap in broken chords "
        "and come home to a long note; some jump an octave from one outline to the next.",
    ),
}
