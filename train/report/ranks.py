"""How a model stands among the others, read off the figures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from musicgen import checkpoint
from musicgen.score import STYLES
from train.evaluation.metrics import FEATURES
from train.report.tables import all_figures, figure, find, of_harmony, overlap, parallels


@dataclass(frozen=True)
class Rank:
    """What models are ranked by, and what is said of the best and of the worst of them."""

    title: str
    badness: Callable[[dict], float | None]  # of a model's figures, the less the better; None if not measured
    best: str
    worst: str


RANKS = (
    Rank(
        "overlap of chorales",
        lambda m: _minus(overlap(m, "chorale")),
        "its chorales are the nearest to real ones",
        "its chorales are the farthest from real ones",
    ),
    Rank(
        "overlap of dances",
        lambda m: _minus(overlap(m, "dance")),
        "its dances are the nearest to real ones",
        "its dances are the farthest from real ones",
    ),
    Rank("few parallels", parallels, "it writes the fewest parallels", "it writes the most parallels"),
    Rank(
        "likely chords",
        lambda m: of_harmony(m, "strange_on_beat"),
        "its chords are the likest to real ones",
        "its chords are the strangest",
    ),
    Rank(
        "endings",
        lambda m: _minus(figure(m, "ends_on_triad")),
        "it closes most surely",
        "it closes least surely",
    ),
    Rank(
        "staying in the seed's key",
        lambda m: _minus(figure(m, "in_seed_scale")),
        "it keeps to the seed's key best",
        "it leaves the seed's key most often",
    ),
    Rank(
        "form of dances",
        lambda m: _unlike(find(m, "form_valid", "dance", "equal_4")),
        "its dances repeat themselves most like real ones",
        "its dances repeat themselves least like real ones",
    ),
    Rank("speed", lambda m: find(m, "speed", "ms_per_bar"), "it is the fastest", "it is the slowest"),
)


def verdict(name: str, directory: Path = checkpoint.DIRECTORY) -> str:
    """One sentence: what it does best or worst of all models."""
    figures, others = checkpoint.metrics(name, directory), list(all_figures(directory).values())
    known = [(rank, *_around(rank, figures, others)) for rank in RANKS if rank.badness(figures) is not None]
    if not known:
        return "Its music has not been measured yet."
    best = [rank.best for rank, better, worse in known if worse and not better]
    worst = [rank.worst for rank, better, worse in known if better and not worse]
    among = f"Of {len(others)} models:"
    if best and worst:
        return f"{among} {_list(best)}, but {_list(worst)}."
    if best or worst:
        return f"{among} {_list(best or worst)}."
    places = sorted((better + 1, rank.title) for rank, better, _ in known)
    (top, where), (bottom, weak) = places[0], places[-1]
    middling = f"{among} neither first nor last in anything"
    return f"{middling}; its best place is {top}, in {where}, its worst {bottom}, in {weak}."


def strengths(name: str, directory: Path = checkpoint.DIRECTORY) -> str:
    """What the figures say, against people and against the other models."""
    figures, others = checkpoint.metrics(name, directory), list(all_figures(directory).values())
    found = {
        f"{feature.replace('_', ' ')} of {style}s": (f["overlap"], f["human"])
        for style in STYLES
        for feature, f in (find(figures, "samples_valid", style, "features") or {}).items()
        if feature in FEATURES
    }
    if not found:
        return "Its music has not been measured yet."
    nearest, *_, farthest = sorted(found, key=lambda k: found[k][1] - found[k][0])
    said = {key: f"{key}, overlap {found[key][0]:.2f} (people {found[key][1]:.2f})" for key in (nearest, farthest)}
    ranked = [rank for rank in RANKS if rank.badness(figures) is not None]
    places = (f"{rank.title} {1 + _around(rank, figures, others)[0]}" for rank in ranked)
    return (
        f"- Nearest to held-out music in {said[nearest]}; farthest in {said[farthest]}.\n"
        f"- Its place among {sum('samples_valid' in m for m in others)} models: {', '.join(places)}."
    )


def _around(rank: Rank, figures: dict, others: list[dict]) -> tuple[int, int]:
    """How many models are better, and how many are worse."""
    own, known = rank.badness(figures), [bad for m in others if (bad := rank.badness(m)) is not None]
    assert own is not None, "only what was measured has a place"
    return sum(bad < own for bad in known), sum(bad > own for bad in known)


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _unlike(figure: dict | None) -> float | None:
    """How far a figure is from held-out music's."""
    return None if figure is None else abs(figure["value"] - figure["reference"])


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
