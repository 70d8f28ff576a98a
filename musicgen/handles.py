"""Short names that stand for pieces for an hour, on this server alone: agents hand them on in place of the notes.

A handle is drawn at random, so that nobody comes upon another's piece, and what it stands for is a link's fragment.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable

HANDLE_KEPT = 3600  # seconds
MOST_HANDLES = 20_000  # pieces, some hundred bytes each and at most four thousand; then the oldest goes
HANDLE = re.compile(r"nonet-[A-Za-z0-9_-]{16}")


class Handles:
    """The pieces of all visitors; without its handle nobody reaches one."""

    def __init__(self, most: int = MOST_HANDLES, clock: Callable[[], float] = time.monotonic):
        self._most, self._clock = most, clock
        self._kept: dict[str, tuple[float, str]] = {}  # handle -> until when, and the fragment; the oldest first
        self._lock = threading.Lock()

    def keep(self, fragment: str) -> str:
        """A new handle for it."""
        handle, now = f"nonet-{secrets.token_urlsafe(12)}", self._clock()
        with self._lock:
            self._kept[handle] = now + HANDLE_KEPT, fragment
            while len(self._kept) > self._most or self._kept[next(iter(self._kept))][0] <= now:
                del self._kept[next(iter(self._kept))]
        return handle

    def find(self, handle: str) -> str | None:
        """The fragment, or None if the handle is unknown or its hour is over."""
        until, fragment = self._kept.get(handle, (0.0, None))
        return fragment if until > self._clock() else None
