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
    "transformer": Words(
        diagram=forward(Box("causal self-attention with rotary positions, keys and values cached")),
        seen="Some of its dances take up figures of the seed, rocking between two notes or round a chord as reels do; "
        "some run on to the last step without settling. Chorales are plain and mostly in key, with parallel "
        "motion between outer and inner voices here and there, and once a soprano that leaps up and stays there.",
        **FORWARD,
    ),
}
