"""Hugging Face Spaces: what a ZeroGPU Space asks for at its start, with a module in place of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
STAND_IN = """
import sys

early = "torch" not in sys.modules
marked = []

def GPU(function):
    marked.append(function.__name__)
    return function
"""
START = """
import app, spaces
assert spaces.early, "imported after torch"
assert spaces.marked == ["nothing_here_needs_a_gpu"], spaces.marked
assert app.nothing_here_needs_a_gpu() is None
app.build()
print("started")
"""


def test_a_zero_gpu_space_starts(tmp_path):
    (tmp_path / "spaces.py").write_text(STAND_IN)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout.endswith("started\n"), done.stderr


def test_every_pytorch_that_zero_gpu_lists_is_allowed():
    """ZeroGPU brings its own, and refuses a Space whose requirements exclude it."""
    listed = re.search(r"set -- ([\d. ]+)", (ROOT / ".ci" / "zerogpu").read_text())[1].split()
    (asked,) = (line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch"))
    assert len(listed) == 4 and all(Requirement(asked).specifier.contains(version) for version in listed)
