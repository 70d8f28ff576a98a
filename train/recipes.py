"""How each architecture is trained: one default recipe and each model's differences, no more."""

from dataclasses import dataclass, field, replace

from musicgen.models import MODELS
from musicgen.models.masks import CROP
from musicgen.models.next_frame import NextFrame


@dataclass(frozen=True)
class Recipe:
    steps: float = 6000  # of training; the learning rate falls with the larger share used up of these
    minutes: float = 90  # ... and of these, of one core or a GPU
    batch: int = 16  # pieces a step
    crop: int = 128  # frames a piece
    mix: float = 0.15  # a style comes as often as the frames there are of it, to this power (arXiv 1907.05019)
    rate: float = 3e-3  # peak learning rate of AdamW
    rates: dict = field(default_factory=dict)  # that of single optimized parts, where it differs
    start: dict = field(default_factory=dict)  # modules that begin with the trained weights of an architecture
    teachers: tuple[str, ...] = ()  # trained architectures whose predictions it learns from, see `NextFrame.loss`
    composers: tuple[str, ...] = ()  # ... whose chorales it learns from, see `train.composed`
    people: float = 1.0  # share of the batches of chorales that are people's
    warmup: int = 100  # steps up to the peak; from there a cosine falls to 0
    decay: float = 0.2  # weight decay
    clip: float = 1.0  # norm of the gradient
    average: float = 0.995  # decay of the moving average of the weights, which is what is kept
    last: bool = False  # keep the last weights, and not those that were best on held-out pieces
    drop: dict = field(default_factory=lambda: {"chorale": 1.5, "dance": 0.8})  # times the dropout, by style
    config: dict = field(default_factory=dict)  # differences from the model's own Config
    random_seed: int = 0  # of weights, batches and dropout

    @property
    def needs(self) -> tuple[str, ...]:
        """The architectures that are to be trained before."""
        return *self.start.values(), *self.teachers, *self.composers


COMPOSERS = ("gru", "lstm", "autoregressive", "rnn")

RECIPES = {
    "autoregressive": Recipe(steps=4507, rate=2e-3, drop={"chorale": 1.3, "dance": 0.8}, config={"dropout": 0.42}),
    "cnn": Recipe(  # crops of at least eight bars and what follows them, for the sake of the lags
        steps=10200,
        batch=6,
        crop=192,
        mix=0,
        rate=2e-3,
        average=0.998,
        config={"dropout": 0.1, "gaps": 0.4, "beats": 0.6},
    ),
    "gan": Recipe(  # the last, since what held-out music says of the generator says nothing of the critic
        steps=2299,
        crop=96,
        rate=1e-3,
        rates={"generator": 1e-4},
        start={"generator": "gru"},
        last=True,
        config={"dropout": 0.42},
    ),
    "gru": Recipe(steps=11729, config={"dropout": 0.42, "forget": 0.25}),
    "lstm": Recipe(steps=15742, config={"dropout": 0.42}),
    "rnn": Recipe(steps=6096, rate=1e-3, drop={"chorale": 1.2, "dance": 0.8}, config={"dropout": 0.42}, random_seed=1),
    "seq2seq": Recipe(
        steps=8654,
        rate=1.5e-3,
        drop={"chorale": 1.2, "dance": 0.8},
        start={"": "gru"},
        composers=COMPOSERS,
        people=0.6,
        config={"dropout": 0.42, "forget": 0.25},
    ),
    "transformer": Recipe(
        steps=3592,
        rate=2e-3,
        drop={"chorale": 1.0, "dance": 0.8},
        start={"": "gru"},
        teachers=("gru", "lstm", "rnn"),
        composers=COMPOSERS,
        people=0.5,
        config={"dropout": 0.42},
    ),
    # the last, since the more latents hold and can rebuild, the worse is the bound
    "vae": Recipe(steps=6559, rate=1.5e-3, last=True, start={"": "gru"}, config={"dropout": 0.4, "forget": 0.25}),
}


def recipe_of(name: str) -> Recipe:
    """An architecture's own recipe; one that has none yet is trained by the default."""
    return RECIPES.get(name, Recipe())


# the published JSB split is small and fixes no cells: more dropout, one order of the voices
ALONE = {"dropout": 0.55, "any_order": 0.0}
# ... and asks what comes next, knowing the past alone
FORWARD = [name for name, model in MODELS.items() if issubclass(model, NextFrame) and not model.looks_ahead]
BENCHMARK = {name: replace(recipe_of(name), drop={}, config=recipe_of(name).config | ALONE) for name in FORWARD}
# ... and here crops of the length that is measured, any cells unknown
BENCHMARK["cnn"] = replace(RECIPES["cnn"], crop=CROP, batch=24, config={"dropout": 0.08})
