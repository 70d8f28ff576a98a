"""Visitors' files, uploaded or to take home: in a folder that nobody else uses, for as long as `KEPT`.

Gradio deletes what it knows of, not what a server left that was killed.
"""

import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

KEPT = 3600  # seconds
EVERY = 60  # seconds, the time between two sweeps
SERVED = "/gradio_api/file="  # in the address of a file that is kept
NAME = f"nonet-{getattr(os, 'getuid', int)()}"  # a user's own: others may not write there

_log = logging.getLogger(__name__)


def use_own_folder():
    """Let Gradio keep its files where no other program does; below GRADIO_TEMP_DIR if that is set."""
    given = os.environ.get("GRADIO_TEMP_DIR") or _temporary()
    os.environ["GRADIO_TEMP_DIR"] = str(given if Path(given).name == NAME else Path(given, NAME).resolve())


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # none can be written to: the page is served all the same
        return os.environ.get("TMPDIR") or "/tmp"


use_own_folder()  # before Gradio is imported


def folder() -> Path:
    return Path(os.environ["GRADIO_TEMP_DIR"])


def stored(name: str, data: bytes) -> str:
    """The path of a file that can be fetched from the server as long as it is kept. Raises `OSError`."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder())) / name
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)  # what there was room for
        raise
    return str(path)


def brought(value: Any) -> Any:
    """The bytes of a visitor's file, if that is what was sent: as Gradio tells of an upload, or by its address here.

    Anything else stays as it is. Raises `FileNotFoundError` where no such file lies in the folder.
    """
    told = value if isinstance(value, dict) and value.get("meta") == {"_type": "gradio.FileData"} else {}
    named = unquote(value.partition(SERVED)[2]) if isinstance(value, str) and SERVED in value[:1000] else None
    path = told.get("path", named)
    if path is None:
        return value
    try:
        file = Path(str(path)).resolve()
        if not file.is_relative_to(folder().resolve()):
            raise FileNotFoundError(path)
        return file.read_bytes()
    except (OSError, ValueError) as error:  # it is a folder, or its name is none
        raise FileNotFoundError(path) from error


def sweep(seconds: float) -> set[str]:
    """Delete what has lain there for longer; the paths of files that are gone."""
    before, gone = time.time() - seconds, set()
    for path in sorted(folder().rglob("*"), reverse=True):  # what is inside comes first
        with suppress(OSError):
            if path.lstat().st_ctime >= before:
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()  # if it is empty
            else:
                path.unlink()
                gone.add(str(path))
    return gone


def keep_swept(known: Iterable[set[str]]):
    """Sweep now and then, in the background; `known` are the sets in which Gradio has the paths of files."""

    def run():
        while True:
            try:
                gone = sweep(KEPT)
                for paths in known:
                    paths.difference_update(gone)
            except Exception:
                _log.exception("a sweep failed")
            time.sleep(EVERY)

    threading.Thread(target=run, daemon=True).start()
