"""How each architecture is trained: one default recipe and each model's differences, no more."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Recipe:
    minutes: float = 14  # of one core
    batch: int = 16  # pieces a step
    crop: int = 128  # frames a piece
    rate: float = 3e-3  # peak learning rate of AdamW
    warmup: int = 100  # steps up to the peak; from there a cosine falls to 0
    decay: float = 0.2  # weight decay
    clip: float = 1.0  # norm of the gradient
    average: float = 0.995  # decay of the moving average of the weights, which is what is kept
    config: dict = field(default_factory=dict)  # differences from the model's own Config


RECIPES = {
    "autoregressive": Recipe(minutes=16, rate=2e-3),
    "gru": Recipe(minutes=12, config={"dropout": 0.3}),
    "lstm": Recipe(),
    "rnn": Recipe(minutes=10, rate=1e-3),
    "transformer": Recipe(minutes=16, rate=2e-3),
}

# the published JSB split is small and fixes no cells: more dropout, one order of the voices
ALONE = {"dropout": 0.45, "any_order": 0.0}
BENCHMARK = {name: replace(recipe, config=recipe.config | ALONE) for name, recipe in RECIPES.items()}
