"""The page's logic that needs no document, tested by node where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "musicgen" / "web" / "js").glob("*.js"))


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")
def test_logic_without_a_document():
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    done = subprocess.run(["node", "--test", *tests], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_modules_import_what_is_there_and_leave_nothing_on_the_window(script):
    text = script.read_text()
    assert not re.findall(r"\bwindow\.\w+ = ", text)
    for target in re.findall(r'from "\./([\w-]+\.js)"', text):
        assert (script.parent / target).is_file(), f"{script.name} imports {target}"
    assert len(text.splitlines()) <= 330
