"""What the cards say beside the figures: how a model is built, takes what it is given, and what its music looks like.

No figures stand here: those are measured.
"""

from dataclasses import dataclass

from train.report.diagrams import Box, Diagram


@dataclass(frozen=True)
class Words:
    diagram: Diagram
    use: str  # what to choose it for
    seed: str  # how the given notes act on what is composed
    length: str  # how the asked length does
    seen: str  # what ten rolls and two engraved pieces look like, good and bad


TIME = Box("style, meter, place in the bar, how far the end is", "given")
HISTORY = (
    Box("the frames so far, as features: pitches, intervals, ages, key", "given"),
    Box("what a single voice did one, two, four and eight bars ago", "given"),
)
VOICE_HEAD = "voice head: soprano, bass, alto, tenor, each knowing those before; what stood bars ago may be copied"


def forward(backbone: Box) -> Diagram:
    """The five that move forward in time differ in their backbone alone."""
    return Diagram(
        (
            (TIME, *HISTORY),
            (Box("sum of embeddings"),),
            (backbone,),
            (Box(VOICE_HEAD),),
            (Box("the next frame: four cells", "drawn"),),
        ),
        feedback="what was chosen, or was given, is part of the past",
    )


FORWARD_WORDS = {
    "use": "Choose it to continue your notes. It does not look ahead: where the music must lead to given notes,"
    " as in harmonising and repairing, choose one that does.",
    "seed": "It is read frame by frame and sets key, motion, register and, where all voices are given from the start,"
    " the pace: if its notes are longer or shorter than the model expects, later ones will be too. A given voice is"
    " seen before the other voices of its frame are chosen, but what is given further on is not seen until then.",
    "length": "Every frame knows how far away the end is, step by step in the last bars, so the piece closes there."
    " The last bar and a half is composed many times over; of the closes that end as most do, the likeliest is kept.",
}

WORDS = {
    "autoregressive": Words(
        diagram=forward(Box("gated causal convolutions in doubling strides, cached")),
        seen="Plain quarters and halves over a bass that walks far, down to its lowest notes for a close; phrases "
        "arch and fall, and most close at home on a long chord. The soprano may leap up an octave where a "
        "phrase begins, and inner voices may stand still for bars. Dances play a part of four bars and then "
        "play it again, as it was or with a different end; the second part may lie an octave higher, a run may "
        "sink to the bottom of the range and stay there, and some end without settling.",
        **FORWARD_WORDS,
    ),
    "cnn": Words(
        diagram=Diagram(
            (
                (
                    TIME,
                    Box("known cells as rolls, pitch x time; nearest known pitches; key; which are unknown", "given"),
                    Box("known cells one to eight bars before and after", "given"),
                ),
                (Box("convolutions over pitch x time, in eighths, near at octaves, fifths and thirds"),),
                (Box("dilated convolutions over time, all pitches as one, by their degree in the key"),),
                (Box("convolutions over pitch x time"),),
                (Box("notes here and there, parallels made unlikely by a rule", "drawn"),),
            ),
            feedback="what was drawn is known; pass after pass, some of it is forgotten and drawn anew",
        ),
        use="Choose it to harmonise a tune or to repair a gap: it sees what is given before and after.",
        seed="Every given cell is known from the first pass on, wherever it stands: a melody to be harmonised, or the "
        "bars after a gap, influence what is drawn to their left as well as to their right.",
        length="The whole length is there from the start, and every step knows how far away the end is. The first "
        "passes go through it bar by bar; later ones revise the opening and the close alike. In the last bar the "
        "temperature is halved.",
        seen="Chords that fit, closes that hold, hardly a parallel, and a given ending is prepared; voices move "
        "mostly in quarters with passing eighths, some with suspensions. Now and then a note is held over the "
        "beat where nothing asks for it, the bass leaps far down for a single note or a voice leaves its "
        "place for a beat; phrases aim at no goal before the last, and some close on a chord that is not "
        "home. Dances repeat whole bars four and eight bars later, but between these their rhythm wanders "
        "more than a dancer's would, with an upbeat or a tiny note where none is due. Chorales are farther from "
        "real ones than those of the other models in their rhythm and leaps; to draw them warmer or cooler, their "
        "rhythm apart from their pitches, or more or fewer of their notes anew did not help.",
    ),
    "gan": Words(
        diagram=Diagram(
            (
                (TIME, *HISTORY),
                (Box("generator: a gated recurrent unit", again=True),),
                (Box(VOICE_HEAD),),
                (Box("several proposals for two bars", "drawn"),),
                (Box("critic: convolutions over features of every frame"),),
                (Box("the proposal it believes most"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        use="Choose it to continue your notes. It does not look ahead, and it has no likelihood to measure.",
        seed="It is read frame by frame and sets key, motion, register and, where all voices are given from the start, "
        "the pace; a given voice is seen before the other voices of its frame are chosen. The critic judges two bars "
        "together with the two before them, given or composed, and so prefers what continues them.",
        length="Generator and critic know how far away the end is, step by step in the last bars. The last bar and a "
        "half are not the critic's choice: they are taken from several closes, as in the forward models.",
        seen="Chorales that move in quarters with passing notes, over a bass that goes far down for its cadences, "
        "and broad closes; an inner voice may hold one note for bars, and all may halt in the middle. Dances are "
        "built of four bars that come back, whole or with a different end, with a high point once in each part; "
        "most close on a home note, some in the middle of a turn. A long dance may lose itself in one figure.",
    ),
    "gru": Words(
        diagram=forward(Box("gated recurrent unit", again=True)),
        seen="Chorales in plain quarters with passing notes, over a bass that walks to real cadences and closes on "
        "a long chord. The soprano may climb above the staff and stay there, with the other voices crowded "
        "beneath it. Dances answer their first four bars with the same bars, whole or with a different end, in "
        "scales and broken chords, and come to rest on a home note; some stay on few notes. More than twice the "
        "training, and learning from the predictions of others, did not make it better.",
        **FORWARD_WORDS,
    ),
    "lstm": Words(
        diagram=forward(Box("long short-term memory", again=True)),
        seen="Phrases that arch and fall to a close in long chords, and quavers that wander through the middle "
        "voices; all voices may halt together for a bar in the middle. Soprano and bass leap an octave where "
        "a phrase begins or ends. Dances have parts that come back: a figure of two or four bars, its repeat, "
        "a contrast, and the first figure again; a second part may lie higher. Most come to rest on a home note.",
        **FORWARD_WORDS,
    ),
    "rnn": Words(
        diagram=forward(Box("plain recurrence, tanh", again=True)),
        seen="Real cadences and long chords where phrases end, with passing notes in all voices. Over phrases it "
        "forgets: the soprano may hold one high note for bars while the others move on beneath it, and the bass "
        "jumps an octave or more in the middle of a phrase. Dances repeat two or four bars more often than "
        "real ones and come to rest on a repeated or long note; in a long dance the same few bars may go round to "
        "the end. Three random seeds were tried, and the music nearest to held-out pieces was kept; to learn from "
        "the predictions or the chorales of others did not help.",
        **FORWARD_WORDS,
    ),
    "seq2seq": Words(
        diagram=Diagram(
            (
                (
                    TIME,
                    Box("every given cell of the piece", "given"),
                    *HISTORY,
                ),
                (
                    Box("encoder: a GRU from either end", again=True),
                    Box("sum of embeddings"),
                ),
                (Box("decoder: a GRU that sees the encoder's frame", again=True),),
                (Box("attention over all of the encoder's frames"),),
                (Box(VOICE_HEAD + "; what is given next is known"),),
                (Box("the next frame: four cells", "drawn"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        use="Choose it to harmonise a tune or to repair a gap: it reads all that is given first.",
        seed="All that is given is read before the first note is written, wherever in the piece it stands: a tune to "
        "its end when it is harmonised, both sides of a gap when it is repaired. Where all voices are "
        "given from the start, they set the pace of the rest.",
        length=FORWARD_WORDS["length"],
        seen="Phrases in plain quarters that halt on long chords as chorales do, with quavers in the middle "
        "voices; nearly all come to a firm close, some in the dominant and not at home. An inner voice may "
        "lie on one note for bars, and the bass goes deep for its cadences. Dances run in scales and turns "
        "that return four and eight bars later, whole or answered, or rise to a high point late in the piece; in "
        "some, two or four bars go round and round to the end, and a few stop rather than close. Some of the "
        "chorales that it learned from were other models'.",
    ),
    "transformer": Words(
        diagram=forward(Box("causal self-attention with rotary positions, keys and values cached")),
        seen="Chorales are plain and mostly in key over a walking bass, with real cadences and a broad close; for "
        "phrases the soprano stays high and the others crowd beneath it, the alto may lie on one note for bars, and "
        "the bass goes very deep for a close. Dances take up the seed's figures and rhythms and play four bars again, "
        "whole or varied, more often than a player would; many come to rest on a home note, some run on to the last "
        "step. To learn from the predictions of three others, and from chorales that others composed, made its music "
        "likelier, and the repeats more; drawn more freely they are fewer, but then other dances lose their rhythm.",
        **FORWARD_WORDS,
    ),
    "vae": Words(
        diagram=Diagram(
            (
                (
                    Box("what is fixed in the next two bars and in the two after", "given"),
                    *HISTORY,
                ),
                (Box("prior of the latent vector of the next two bars"),),
                (Box("latent vector, with noise of a known level", "drawn"),),
                (Box("conductor: a plan for every beat, and from it for every frame"),),
                (Box("plan and features into a gated recurrent unit", again=True),),
                (Box(VOICE_HEAD),),
                (Box("the next frame: four cells", "drawn"),),
            ),
            feedback="what was chosen, or was given, is part of the past",
        ),
        use="Choose it to vary a piece or to morph one into another, or where the music must lead to given notes.",
        seed="It is read frame by frame, as by the forward models, and sets the pace as there; the outline of each two "
        "bars is drawn from what came before. That outline also knows what is given in these two bars and the next "
        "two, so that a fixed tune or ending is prepared; in a frame, given voices are seen before the others are "
        "chosen. Two seeds of one length can be morphed into each other, and one can be varied: both take a latent "
        "vector from the notes.",
        length="Every frame knows how far away the end is, step by step in the last bars; a last odd bar is outlined "
        "by itself. The last bar and a half is composed many times over; of the closes that end as most do, the "
        "likeliest is kept.",
        seen="Chorales keep near the seed's key, in quarters with passing eighths over a bass that goes deep for "
        "its cadences, and close on a long chord; it need not be the home chord. Parallels are more "
        "than with the models that have no outline to follow: in training, parts of its past are shifted in pitch "
        "so that it follows the outline, and its voice leading suffers for it; more windows without an outline "
        "halved them. Dances rise and fall in arches of two and four bars that come back, as often as in real "
        "tunes; a long one may turn a figure of two bars round and round, and some stop rather than close.",
    ),
}
