"""Everything that shows the figures, written anew from `metrics.json` alone."""

from pathlib import Path

from musicgen import checkpoint
from train.report import cards, chart, tables
from train.report.words import WORDS


def show(directory: Path = checkpoint.DIRECTORY, readme: Path = tables.README):
    """Write all that shows the figures: the cards, since each model is placed among the others, table and picture."""
    for name in checkpoint.available(directory):
        if name in WORDS:
            cards.write(name, directory)
        else:
            print(f"{name} gets a card once train/words.py says something of it")
    tables.write_readme(directory, readme)
    chart.draw(directory, directory / chart.COMPARISON_PICTURE)
