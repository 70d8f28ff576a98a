"""The page's ES modules, joined into one when the server starts: on a slow line each request costs its round trip.

A module becomes a function that gives what it exports, and stands before all that import it. Of `import` and `export`
the forms below are understood, one a line (tests/js/test_scripts.py checks that ours keep to them).
"""

import re
from pathlib import Path

IMPORT = re.compile(r'^import (?:\{(.+)\} from )?"\./([\w-]+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|class|function|async function) (\w+))", re.MULTILINE)


def joined(folder: Path, name: str) -> str:
    """The script `name` after all that it imports; what it exports itself, the whole exports."""
    functions: dict[str, str] = {}  # by the names of their modules

    def linked(name: str) -> str:
        text = (folder / f"{name}.js").read_text(encoding="utf-8")
        for _, other in IMPORT.findall(text):
            if other not in functions:
                functions[other] = as_function(other, linked(other))
        return IMPORT.sub(lambda found: taken(*found.groups()), text)

    last = linked(name)
    return "\n".join([*functions.values(), last])


def as_function(name: str, text: str) -> str:
    given = ", ".join(EXPORT.findall(text))
    return f"const {variable(name)} = (() => {{\n{EXPORT.sub('', text)}return {{{given}}};\n}})();"


def taken(names: str | None, module: str) -> str:
    """Instead of an import."""
    return f"const {{{names.replace(' as ', ': ')}}} = {variable(module)};" if names else ""


def variable(module: str) -> str:
    return "$" + module.replace("-", "_")
