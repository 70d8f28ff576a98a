"""The page's logic that needs no document, tested by node where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from musicgen.web.scripts import EXPORT, IMPORT, joined

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
    assert len(text.splitlines()) <= 330
    for names, module in IMPORT.findall(text):
        exported = EXPORT.findall((script.parent / f"{module}.js").read_text())
        assert {name.split(" as ")[0] for name in names.split(", ") if name} <= {*exported}, f"imports {module}.js"


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")
def test_the_joined_script_is_a_module_that_imports_nothing(tmp_path):
    script = tmp_path / "page.mjs"
    script.write_text(joined(SCRIPTS[0].parent, "page"))
    done = subprocess.run(["node", "--check", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not re.findall(r"^import\b.*|^export\b.* from \".*", script.read_text(), re.MULTILINE)


def test_modules_are_joined_before_those_that_import_them(tmp_path):
    (tmp_path / "a.js").write_text('import {b as c} from "./b-b.js";\nexport {c};\n')
    (tmp_path / "b-b.js").write_text("export const b = 1;\n")
    made = "const $b_b = (() => {\nconst b = 1;\nreturn {b};\n})();\nconst {b: c} = $b_b;\nexport {c};\n"
    assert joined(tmp_path, "a") == made
