"""The app served by a real process, and visitors who speak to it without a browser."""

import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from gradio_client.utils import apply_diff

ROOT = Path(__file__).parents[1]
PATIENCE = 240  # seconds for a server to start, or for an event to end


class Server:
    """A process of the app, and what it takes of the machine."""

    def __init__(self, process: subprocess.Popen, url: str, log: Path, files: Path):
        self.process, self.url, self.log, self.files = process, url, log, files

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    @property
    def seconds(self) -> float:
        """Of processors that it has used."""
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def handles(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    @property
    def threads(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())

    def kept(self) -> list[Path]:
        """The files of visitors that lie on its disk."""
        return [path for path in self.files.rglob("*") if path.is_file()]

    def wait_for(self, words: str, seconds: float = PATIENCE):
        """Until the log says so."""
        wait_until(lambda: words in self.said, f"{words!r} in the log:\n{self.said}", seconds)


def wait_until(there, what: str, seconds: float = PATIENCE):
    for end in [time.monotonic() + seconds]:
        while not there():
            assert time.monotonic() < end, f"no {what} after {seconds} s"
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def serve(
    *script: str | Path, port: int | None = None, before: Sequence[str] = (), **environment: str
) -> Iterator[Server]:
    """The script, with its arguments, as a server of its own until the block ends; app.py unless another is named.

    `environment` is set besides that of this process; `before` is a command that turns into the one after it.
    """
    with tempfile.TemporaryDirectory(prefix="served-") as folder:
        files, log = Path(folder) / "files", Path(folder) / "log"
        port = port or free_port()
        own = {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_TEMP_DIR": str(files)}
        with log.open("w") as out:
            command = [*before, sys.executable, *map(str, script or [ROOT / "app.py"])]
            process = subprocess.Popen(command, env={**os.environ, **own, **environment}, stdout=out, stderr=out)
        server = Server(process, f"http://127.0.0.1:{port}/", log, files)

        def answers() -> bool:
            assert process.poll() is None, server.said
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(server.url + "config", timeout=5).is_success
            return False

        try:
            wait_until(answers, f"answer:\n{server.said}")
            yield server
        finally:
            process.terminate()
            process.wait(20)


class Visitor:
    """One session of the page: presses what the page offers, by the ids of its elements."""

    def __init__(self, client: httpx.AsyncClient, config: dict):
        self.client, self.config = client, config
        self.session = uuid.uuid4().hex[:12]
        self.ids = {c["props"].get("elem_id"): c["id"] for c in config["components"] if c.get("props")}
        self.values = {c["id"]: (c["props"] or {}).get("value") for c in config["components"]}
        self.call = next(c["id"] for c in config["components"] if c["type"] == "json")

    @classmethod
    async def at(cls, client: httpx.AsyncClient) -> "Visitor":
        return cls(client, (await client.get("config")).json())

    def event(self, element: str, trigger: str = "click") -> dict:
        """The event that runs on the server when the element is used."""
        target = [self.ids[element], trigger]
        return next(d for d in self.config["dependencies"] if target in d["targets"] and d["backend_fn"])

    def body(self, element: str, trigger: str = "click", call: Any = None, **values) -> dict:
        """What asks for it; `values` by the ids of elements, with underscores, instead of what the page shows."""
        event = self.event(element, trigger)
        given = {self.ids[name.replace("_", "-")]: value for name, value in values.items()} | {self.call: call}
        data = [given.get(i, self.values.get(i)) for i in event["inputs"]]
        return {"data": data, "fn_index": event["id"], "session_hash": self.session, "trigger_id": None}

    async def join(self, element: str, trigger: str = "click", **given) -> httpx.Response:
        """Ask for it, in its queue."""
        body = json.dumps(self.body(element, trigger, **given))  # which writes NaN, too
        headers = {"content-type": "application/json"}
        return await self.client.post("gradio_api/queue/join", content=body, headers=headers)

    async def messages(self) -> AsyncIterator[dict]:
        """What the server tells this session, until nothing is left to tell."""
        async with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    if message["msg"] == "close_stream":
                        return
                    yield message

    async def use(self, element: str, trigger: str = "click", **given) -> AsyncIterator[tuple[str, list]]:
        """Each message of one event, `(its name, the outputs so far)`."""
        (await self.join(element, trigger, **given)).raise_for_status()
        outputs: list = []
        async for message in self.messages():
            data = (message.get("output") or {}).get("data")
            if message["msg"] == "process_generating" and outputs:
                outputs = [apply_diff(old, new) for old, new in zip(outputs, data)]
            elif data is not None:
                outputs = data
            yield message["msg"], message if message["msg"] in ("estimation", "process_completed") else outputs

    async def updates(self, element: str = "generate", **given) -> AsyncIterator[dict]:
        """What the page is told while one model composes, or all; the last of each kind is told once."""
        call = {"run": uuid.uuid4().hex, **given.pop("call", {})}
        last = None
        async for name, outputs in self.use(element, call=call, **given):
            if name == "process_completed":
                assert outputs["success"], outputs
            elif name == "process_generating" and outputs[0] != last:
                last = outputs[0]
                yield last

    async def upload(self, name: str, data: bytes) -> dict:
        """What the page is told of a file that is brought."""
        answer = await self.client.post("gradio_api/upload", files={"files": (name, data)})
        file = {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        *_, (last, message) = [told async for told in self.use("upload", "upload", upload=file)]
        assert last == "process_completed", last
        return message["output"]["data"][0]

    async def download(self, format: str, piece: dict, **about) -> bytes:
        """The piece as a file, from the server's disk."""
        about = {"model": "gru", "random_seed": 7, "instruments": ["piano"] * 4, **about}
        async for name, outputs in self.use(f"save-{format}", call={"piece": piece, **about}):
            if name == "process_completed":
                assert outputs["success"], outputs
                file = outputs["output"]["data"][0]
                answer = await self.client.get(file["url"])
                answer.raise_for_status()
                return answer.content
        raise AssertionError("the event ended without a file")


def client(server: Server) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=server.url, timeout=PATIENCE, limits=limits)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(values: list[float]) -> str:
    return f"median {percentile(values, 0.5):.2f} s, p95 {percentile(values, 0.95):.2f} s, most {max(values):.2f} s"


def mixed(names: list[str], count: int) -> list[str]:
    """So many names, each as often as the others."""
    return list(itertools.islice(itertools.cycle(names), count))
