"""The header of a card that the Hugging Face Hub reads: what the model is, and its figures on the validation pieces."""

from huggingface_hub import EvalResult, ModelCardData

from musicgen.models import MODELS
from musicgen.score import STYLES
from train.report.tables import figure, find, overlap, parallels

TASK = "text-to-audio"  # of the Hub's tasks the nearest: notes as text -> music
TAGS = ["music", "symbolic-music", "midi", "music-generation", "chorales", "folk-music"]
MEASURED = {  # a figure's type -> its name there, and where it stands
    "nats": ("nats a cell", lambda m, style: find(m, "nll_valid", style)),
    "overlap": ("mean overlap of features with held-out music", overlap),
    "parallels": (
        "parallel fifths and octaves per 100 chord changes",
        lambda m, style: parallels(m) if style == "chorale" else None,
    ),
    "endings": (
        "share that ends on a root-position triad of a quarter or more",
        lambda m, style: figure(m, "ends_on_triad", style=style),
    ),
    "form": (
        "share of bars equal to the bar four before",
        lambda m, style: find(m, "form_valid", style, "equal_4", "value"),
    ),
}


def header(name: str, figures: dict) -> str:
    """YAML between two lines of dashes; what was not measured is left out."""
    results = [
        EvalResult(
            task_type=TASK,
            task_name="continuing a score",
            dataset_type="music21-corpus",
            dataset_name=f"held-out {style}s of music21's corpus",
            dataset_config=style,  # figures of one configuration stand together
            dataset_split="validation",
            metric_type=kind,
            metric_name=words,
            metric_value=round(value, 4),
        )
        for style in STYLES
        for kind, (words, found) in MEASURED.items()
        if (value := found(figures, style)) is not None
    ]
    about = {"license": "mit", "library_name": "pytorch", "pipeline_tag": TASK, "tags": [*TAGS, name]}
    if results:
        about |= {"model_name": f"Nonet {MODELS[name].title}", "eval_results": results}
    return f"---\n{ModelCardData(**about).to_yaml()}\n---\n"
