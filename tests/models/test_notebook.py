"""The notebook for Colab, run as it is, with a tiny budget on a little music."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tiny import chorale, tune

from musicgen import checkpoint
from train import data

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SETTINGS = {"repository": f'"{ROOT}"', "minutes": "0.02", "share": "False"}


@pytest.fixture
def notebook(tmp_path):
    """With its settings changed, and music to train on in place of the corpus, that takes minutes to read."""
    music = tmp_path / "dataset.npz"
    pieces = [data.Piece(f"{i}", "valid" if i < 2 else "train", (chorale, tune)[i % 2](seed=i)) for i in range(12)]
    data.write(music, pieces)
    notebook = nbformat.read(ROOT / "train" / "nonet.ipynb", as_version=4)
    nbformat.validate(notebook)
    settings = notebook.cells[1]
    for name, value in SETTINGS.items():
        settings.source, changed = re.subn(
            rf"^{name} = .*?(?=  #)", f"{name} = {value}", settings.source, flags=re.MULTILINE
        )
        assert changed == 1
    training = next(i for i, cell in enumerate(notebook.cells) if "-m train" in cell.source)
    put = f"import pathlib, shutil\npathlib.Path('.cache').mkdir()\nshutil.copy({str(music)!r}, '.cache')"
    notebook.cells.insert(training, nbformat.v4.new_code_cell(put))
    look = "import urllib.request\nassert urllib.request.urlopen(local, timeout=60).status == 200"
    notebook.cells.insert(training, nbformat.v4.new_code_cell(look))
    return notebook


def test_it_installs_serves_the_page_trains_and_lets_one_listen(notebook, tmp_path):
    NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "http://127.0.0.1:" in said
    assert re.search(r"gru: held out \d\.\d+, 0\.0 minutes", said), said
    trained = checkpoint.config("gru", tmp_path / "nonet" / "checkpoints")["training"]
    assert trained["minutes"] < 1 < checkpoint.config("gru")["training"]["minutes"]
    shown = {kind for out in notebook.cells[-1].outputs for kind in out.get("data", {})}
    assert "image/png" in shown and "text/html" in shown
