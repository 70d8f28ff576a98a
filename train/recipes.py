"""How each architecture is trained: one default recipe and each model's differences, no more."""

from dataclasses import dataclass, field, replace

from musicgen.models.cnn import CROP


@dataclass(frozen=True)
class Recipe:
    minutes: float = 14  # of one core
    batch: int = 16  # pieces a step
    crop: int = 128  # frames a piece
    rate: float = 3e-3  # peak learning rate of AdamW
    rates: dict = field(default_factory=dict)  # that of single players, where it differs
    start: dict = field(default_factory=dict)  # players that begin with the trained weights of an architecture
    warmup: int = 100  # steps up to the peak; from there a cosine falls to 0
    decay: float = 0.2  # weight decay
    clip: float = 1.0  # norm of the gradient
    average: float = 0.995  # decay of the moving average of the weights, which is what is kept
    last: bool = False  # keep the last weights, and not those that were best on held-out pieces
    config: dict = field(default_factory=dict)  # differences from the model's own Config


RECIPES = {
    "autoregressive": Recipe(minutes=16, rate=2e-3),
    "cnn": Recipe(minutes=44, batch=4, rate=2e-3, average=0.998, config={"gaps": 0.3}),
    "gan": Recipe(  # the last, since what held-out music says of the generator says nothing of the critic
        minutes=5.5,
        crop=96,
        rate=1e-3,
        rates={"generator": 1e-4},
        start={"generator": "gru"},
        last=True,
        config={"dropout": 0.3},
    ),
    "gru": Recipe(minutes=12, config={"dropout": 0.3}),
    "lstm": Recipe(),
    "rnn": Recipe(minutes=10, rate=1e-3),
    "seq2seq": Recipe(minutes=26, rate=2e-3),
    "transformer": Recipe(minutes=16, rate=2e-3),
    # the last, since the more latents hold and can rebuild, the worse is the bound
    "vae": Recipe(minutes=47, last=True, config={"dropout": 0.3}),
}

# the published JSB split is small and fixes no cells: more dropout, one order of the voices
ALONE = {"dropout": 0.45, "any_order": 0.0}
OTHER_MEASURE = ("cnn", "gan", "vae")  # no likelihood from left to right, or none that is exact
BENCHMARK = {
    name: replace(recipe, config=recipe.config | ALONE) for name, recipe in RECIPES.items() if name not in OTHER_MEASURE
}
# ... and here crops of the length that is measured, any cells unknown
BENCHMARK["cnn"] = replace(RECIPES["cnn"], batch=8, crop=CROP, config={})
