"""The first answer: Gradio's page with our styles, our scripts' addresses and a still shell of the page.

Gradio itself adds what `launch(head=...)` gets by a script, long after the first paint. Here it stands in the page from
the beginning, and the whole is compressed.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

BODY = re.compile(rb"<body[^>]*>")


class FirstAnswer:
    """Puts `head` before the end of the page's head and `body` at the beginning of its body.

    Args:
        app: what answers, an ASGI application.
        head: HTML that belongs into the head.
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
            answer = self.completed(page)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(answer))
            await send(start)
            await send({"type": "http.response.body", "body": answer})

        await self.app(scope, receive, gather)

    def completed(self, page: bytes) -> bytes:
        page = page.replace(b"</head>", self.head + b"</head>", 1)
        return BODY.sub(lambda tag: tag[0] + self.body, page, count=1)


def middleware(head: str, body: str) -> list[Middleware]:
    """For the `app_kwargs` of `gradio.Blocks.launch`."""
    return [Middleware(FirstAnswer, head=head, body=body)]
