"""What stands between the network and the page: limits, headers and the log.

- Who waits for nobody rests: Gradio looks a thousand times a second whether an event has arrived.
- So many may wait to compose; Gradio's own limit counts those who only take a file home, too, and would refuse them.
- A body of more than 10 MB is refused before it is read; an upload that fails leaves no part of itself on the disk.
- No answer is for another site's scripts: Gradio would allow any origin that asks, with credentials, so it is not told
  of the origin. What a browser may load, and which sites may frame the page (Hugging Face's), is said in headers.
- NONET_FRAME_ANCESTORS allows more sites to frame it: addresses such as `https://school.example`, or `*` for all.
- One line a request, as JSON, without addresses, names or queries: `log_to` sets it up.
"""

import errno
import json
import logging
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from gradio import route_utils
from gradio.queueing import Queue
from gradio.route_utils import get_fn
from gradio.routes import App, ORJSONResponse
from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 10_000_000  # bytes
TOO_LARGE = f"This is more than {LARGEST_BODY // 1_000_000} MB: send less."
PAUSES = {  # seconds between two looks, by Gradio's names for them
    "sleep_when_free": 0.02,  # for an event: half of it passes on average, less than anybody hears
    "progress_update_sleep_when_free": 0.2,  # for progress bars, of which the page has none
}
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Gradio makes functions of an event's script
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
FRAMES = "NONET_FRAME_ANCESTORS"  # the setting that says which other sites may frame the page
ALWAYS = "'self' https://huggingface.co https://*.hf.space"  # these may
SITE = re.compile(r"\*|https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:(\d{1,5}|\*))?", re.IGNORECASE)

_log = logging.getLogger("musicgen.requests")


class GuardedApp(App):
    """Gradio's server behind the guard. Raises `BadSetting`."""

    def __init__(self, **options):
        self.headers = headers(os.environ.get(FRAMES, ""))
        super().__init__(default_response_class=ORJSONResponse, **options)
        self.add_exception_handler(ClientDisconnect, _gone)
        self.add_exception_handler(OSError, _no_room)

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack(), self.headers)


def _gone(request: Request, error: Exception) -> Response:
    """To nobody: who sent this left before all of it was here."""
    return Response(status_code=400)


def _no_room(request: Request, error: Exception) -> Response:
    """A full disk is told; other errors of the system are not expected."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    return PlainTextResponse("The server has no room for a file: try again later.", 507)


class Upload(route_utils.GradioMultiPartParser):
    """Gradio's reader of uploads, which would keep what was written before a visitor left or the disk was full."""

    async def parse(self) -> FormData:
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                with suppress(OSError):  # there is no room for what is still to be written
                    file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


route_utils.GradioMultiPartParser = Upload


class BadSetting(ValueError):
    """A setting of the environment cannot be read; the message says which, and what it may be."""


def headers(frames: str) -> dict[str, str]:
    """Those of every answer; `frames` are sites that may frame the page besides Hugging Face's, with spaces between.

    Raises `BadSetting`.
    """
    sites = frames.split()
    for site in sites:
        if not SITE.fullmatch(site):
            raise BadSetting(
                f"{FRAMES} holds {site!r}: write sites as https://school.example or https://*.school.example, "
                "with spaces between them, or * for all."
            )
    ancestors = "*" if "*" in sites else " ".join([ALWAYS, *sites])
    policy = {**POLICY, "frame-ancestors": ancestors}
    return {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
    }


class Guard:
    def __init__(self, app: ASGIApp, headers: dict[str, str]):
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        since, status, taken = time.monotonic(), 0, 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:  # of a body that did not say how long it would be
                raise HTTPException(413, TOO_LARGE)
            return message

        async def answer(message: Message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        declared = Headers(scope=scope).get("content-length", "")
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        try:
            if declared.isdecimal() and int(declared[:20]) > LARGEST_BODY:
                await PlainTextResponse(TOO_LARGE, 413)(scope, receive, answer)
            else:
                await self.app(scope, limited, answer)
        finally:
            milliseconds = round(1000 * (time.monotonic() - since))
            about = {"method": scope["method"], "route": _route(scope), "status": status, "ms": milliseconds}
            _log.info("request", extra={"about": about})


def limit(queue: Queue, concurrency_id: str, most: int):
    """Refuse an event of this kind, as Gradio does when it is full, while so many of them wait."""
    push = queue.push

    async def push_if_there_is_room(body, request, username):
        kind = get_fn(queue.blocks, None, body).concurrency_id
        line = queue.event_queue_per_concurrency_id.get(kind)
        if kind == concurrency_id and line and len(line.queue) >= most:
            return False, f"{most} are waiting already.", "queue_full"
        return await push(body=body, request=request, username=username)

    queue.push = push_if_there_is_room


def rest(queue: Queue):
    """Let the queue look for events less often, so that a server without visitors takes no processor to speak of."""
    for name, seconds in PAUSES.items():
        if not hasattr(queue, name):
            _log.warning(f"This version of Gradio has no {name}: the server does not rest while nobody visits it.")
        setattr(queue, name, seconds)


def _route(scope: Scope) -> str:
    """The pattern of the address, which holds no visitor's names; "-" if there is no such page."""
    return getattr(scope.get("route"), "path", "") or scope.get("root_path") or "-"


class LogLines(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, what, and what else its `about` says."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        said = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"), "level": record.levelname.lower()}
        said |= {"from": record.name, "what": record.getMessage(), **getattr(record, "about", {})}
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def log_to(stream: TextIO):
    """Let all of this project's loggers write lines there."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogLines())
    logger = logging.getLogger("musicgen")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
