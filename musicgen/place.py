"""Where what is no code of the library lies: inside the package once installed, beside it in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def of(name: str) -> Path:
    """The path of a file or folder that stands beside the package in the repository."""
    installed = PACKAGE / name
    return installed if installed.exists() else PACKAGE.parent / name
