"""The first answer: Gradio's page with our styles, our scripts' addresses, what a link to it shows, and a still shell.

Gradio itself adds what `launch(head=...)` gets by a script, long after the first paint. Here it stands in the page from
the beginning, and the whole is compressed.
"""

import re
from html import escape

from gradio.route_utils import get_root_url
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request

BODY = re.compile(rb"<body[^>]*>")
PREVIEW = re.compile(rb"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*")  # Gradio's own, of itself
ADDRESS = b"{address}"  # in `head`: where the page is served, without a slash at the end


class FirstAnswer:
    """Puts `head` before the end of the page's head and `body` at the beginning of its body.

    Args:
        app: what answers, an ASGI application.
        head: HTML that belongs into the head; `{address}` in it is replaced.
        body: HTML that stands before all that Gradio makes.
    """

    def __init__(self, app, head: str, body: str):
        self.app, self.head, self.body = app, head.encode(), body.encode()
        self.zipped = GZipMiddleware(self.written)

    async def __call__(self, scope, receive, send):
        first = scope["type"] == "http" and scope["method"] == "GET" and self.is_page(scope)
        await (self.zipped if first else self.app)(scope, receive, send)

    @staticmethod
    def is_page(scope) -> bool:
        return scope["path"].rstrip("/") == scope.get("root_path", "").rstrip("/")

    async def written(self, scope, receive, send):
        start, page = {}, b""

        async def gather(message):
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
                return
            page += message.get("body", b"")
            if message.get("more_body"):
                return
            address = get_root_url(Request(scope), "/", scope.get("root_path"))
            answer = self.completed(page, escape(address).encode())
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(answer))
            await send(start)
            await send({"type": "http.response.body", "body": answer})

        await self.app(scope, receive, gather)

    def completed(self, page: bytes, address: bytes) -> bytes:
        head = self.head.replace(ADDRESS, address)
        page = PREVIEW.sub(b"", page).replace(b"</head>", head + b"</head>", 1)
        return BODY.sub(lambda tag: tag[0] + self.body, page, count=1)


def middleware(head: str, body: str) -> list[Middleware]:
    """For the `app_kwargs` of `gradio.Blocks.launch`."""
    return [Middleware(FirstAnswer, head=head, body=body)]
