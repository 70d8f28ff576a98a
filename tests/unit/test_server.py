"""The served app: what it refuses, what it says in headers and in its log, and what hostile values come to."""

import asyncio
import json
import logging
import math
import socket
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest
from gradio.queueing import Queue
from served import Server, Visitor, client, serve

from musicgen.web import guard

HUGE, DENORMAL = 99999999999999999999999, 1e-320
ANYTHING = (HUGE, -HUGE, 1e300, DENORMAL, math.nan, math.inf, -1, True, None, "", "x" * 5000, [], [[HUGE]], {"a": [1]})
FIELDS = {  # by the ids of the page's elements, and under which name the page is told of it
    "cards": "model", "style": "style", "notes": "notes", "bars": "bars", "meter": "meter",
    "temperature": "temperature", "top_p": "top_p", "random_seed": "random_seed", "transport": "tempo",
}  # fmt: skip
ALLOWED = {"notes": (None, "", []), "temperature": (DENORMAL,), "transport": (None,)}
PIECE = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 16, "notes": [[0, 72, 0, 16]], "fixed": []}
FOREIGN = {"origin": "https://elsewhere.example"}


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        yield running
        assert "Traceback" not in running.said, running.said


def visit(server: Server, act):
    """What `act` makes of a new visitor."""

    async def visiting():
        async with client(server) as http:
            return await act(await Visitor.at(http))

    return asyncio.run(visiting())


async def updates_for(visitor: Visitor, **given) -> list[dict]:
    return [update async for update in visitor.updates(anew=False, **{"bars": 6, **given})]


@pytest.mark.parametrize("gone", [False, True])
def test_a_queue_without_events_looks_for_them_a_few_times_a_second(monkeypatch, caplog, gone):
    monkeypatch.setattr(logging.getLogger("musicgen"), "propagate", True)
    looks = 0

    class Watched(Queue):
        def __len__(self):
            nonlocal looks
            looks += 1
            return super().__len__()

    queue = Watched(True, 1, 1, None, gr.Blocks())
    if gone:
        del queue.sleep_when_free
    guard.rest(queue)

    async def idle():
        queue.start()
        await asyncio.sleep(0.5)
        queue.close()
        await asyncio.sleep(0.3)

    asyncio.run(idle())
    assert 2 <= looks <= 0.5 / 0.02 + 1
    assert ("has no sleep_when_free: the server does not rest" in caplog.text) == gone


@pytest.mark.parametrize("path", ["", "config", "theme.css", "no/such/page", "web/samples/manifest.json"])
def test_every_answer_says_what_a_browser_may_do_with_it(server, path):
    headers = httpx.get(server.url + path, timeout=60).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"
    sources = {word for name, words in policy.items() if name != "frame-ancestors" for word in words.split()}
    assert not {word for word in sources if "." in word or "*" in word or word in ("http:", "https:")}


@pytest.mark.parametrize("host", ["nonet.example", "127.0.0.1"])
def test_no_other_site_is_answered(server, host):
    headers = {**FOREIGN, "host": host}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for answer in (
        httpx.get(server.url + "config", headers=headers),
        httpx.post(server.url + "gradio_api/queue/join", headers=headers, json={}),
        httpx.options(server.url + "gradio_api/queue/join", headers={**headers, **asked}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server):
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as line:
        head = f"POST /gradio_api/queue/join HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        line.sendall(f"{head}Content-Length: {10**10}\r\n\r\n".encode())
        assert b" 413 " in line.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize("path", ["gradio_api/queue/join", "gradio_api/upload"])
def test_a_body_that_does_not_say_its_size_is_cut_off(server, path):
    before, block = server.memory, b" " * 1_000_000
    kinds = {"gradio_api/upload": "multipart/form-data; boundary=b"}
    headers = {"content-type": kinds.get(path, "application/json")}
    try:
        answer = httpx.post(server.url + path, content=(block for _ in range(300)), headers=headers, timeout=60)
        assert answer.status_code in (400, 413)
    except (httpx.WriteError, httpx.ReadError):
        pass  # the server hung up while more was coming
    assert server.memory < before + 100


@pytest.mark.parametrize("body", ["[" * 100_000, '{"data": [' + "9" * 5000 + "]}", "\xff", "", "null"])
def test_a_body_that_is_no_request_is_refused(server, body):
    answer = httpx.post(
        server.url + "gradio_api/queue/join",
        content=body.encode("latin-1"),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("field", FIELDS)
def test_whatever_stands_in_a_field_is_told_in_a_sentence_at_the_field(server, field):
    async def act(visitor):
        for value in ANYTHING:
            sent = {"tempo": value, "volume": value, "instruments": value} if field == "transport" else value
            updates = await updates_for(visitor, **{field: sent})
            allowed = repr(value) in map(repr, ALLOWED.get(field, ()))
            if allowed:
                assert updates[-1]["kind"] == "end", (value, updates)
            else:
                assert [u["kind"] for u in updates] == ["problem"], (value, updates)
                assert updates[0]["field"] == FIELDS[field] and 10 < len(updates[0]["message"]) < 200
            async for name, message in visitor.use("style", "change", **{field: sent}):
                assert name != "process_completed" or message["success"], (value, message)
        assert (await updates_for(visitor))[-1]["state"] == "done"

    visit(server, act)


@pytest.mark.parametrize("value", ANYTHING)
def test_whatever_the_page_sends_along_breaks_nothing(server, value):
    async def act(visitor):
        for call in (
            value,
            {"run": value},
            {"run": "1", "given": value},
            {"run": "1", "canvas": {**PIECE, "notes": value}},
        ):
            async for name, message in visitor.use("generate", call=call, bars=2, anew=False, transport=value):
                assert name != "process_completed" or message["success"], (call, message)
        for event, given in (
            ("style", {"style": value}),
            ("style", {"transport": {"volume": value}}),
            ("example", {"example": value, "bars": value}),
        ):
            async for name, message in visitor.use(event, "input", **given):
                assert name != "process_completed" or message["success"], (given, message)
        for call in (
            value,
            {"piece": value},
            {"piece": PIECE, "model": value, "random_seed": value, "instruments": value},
        ):
            async for name, message in visitor.use("save-midi", call=call):
                if name == "process_completed" and not message["success"]:
                    assert message["output"]["error"].endswith("."), message

    visit(server, act)


def test_the_log_has_a_line_a_request_and_says_nothing_of_visitors(server):
    secret = "hush1234"

    async def act(visitor):
        http = visitor.client
        before = server.said.count("\n")
        await http.get(
            "", params={"notes": secret}, headers={"user-agent": secret, "referer": f"https://{secret}.example"}
        )
        await http.get(f"{secret}/page")
        await http.post("gradio_api/upload", files={"files": (f"{secret}.mid", b"MThd")})
        await updates_for(visitor, notes=f"C5 D5 {secret}")
        assert await visitor.download("midi", PIECE)
        return server.said.splitlines()[before:]

    lines = visit(server, act)
    logged = [json.loads(line) for line in lines]
    requests = [line for line in logged if line["what"] == "request"]
    assert {"time", "level", "method", "route", "status", "ms"} <= set(requests[0])
    routes = {(line["method"], line["route"], line["status"]) for line in requests}
    assert {("GET", "/", 200), ("GET", "-", 404), ("POST", "/gradio_api/upload", 200)} <= routes
    assert secret not in server.said and "127.0.0.1" not in "".join(lines)


def test_other_sites_may_frame_the_page_if_a_setting_says_so():
    policy = guard.headers("https://school.example http://localhost:8000 https://*.cms.example:8443")
    allowed = policy["Content-Security-Policy"].partition("frame-ancestors ")[2]
    assert allowed == f"{guard.ALWAYS} https://school.example http://localhost:8000 https://*.cms.example:8443"
    assert guard.headers("")["Content-Security-Policy"].endswith(f"frame-ancestors {guard.ALWAYS}")
    assert guard.headers("https://a.example *")["Content-Security-Policy"].endswith("frame-ancestors *")


@pytest.mark.parametrize(
    "wrong", ["school.example", "https://a.example; script-src *", "https://a.example/page", "'none'", "**"]
)
def test_a_setting_that_names_no_site_is_told_before_anything_is_served(wrong):
    with pytest.raises(
        guard.BadSetting, match=r"NONET_FRAME_ANCESTORS holds .* write sites as https://school\.example"
    ):
        guard.headers(wrong)
