"""What an agent is offered and answered, with a real client of the Model Context Protocol on the served app."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from served import serve

from musicgen.fields import ARGUMENTS
from musicgen.io import midi
from musicgen.io.seeds import from_text
from musicgen.request import LIMITS

ROOT = Path(__file__).parents[2]
TOOLS = ["compose", "harmonise", "repair", "compare", "models", "read", "render"]
TUNE = "X:1\nT:A tune\nM:4/4\nL:1/4\nK:C\nc d e f | g2 e2 |\n"
SETTINGS = {"model": "rnn", "bars": 3, "random_seed": 1}


@pytest.fixture(scope="module")
def server():
    """As Gradio's own variable starts it for agents, without an option."""
    with serve(ROOT / "app.py", GRADIO_MCP_SERVER="True") as running:
        yield running
        assert "Traceback" not in running.said, running.said


def visited(server, visit):
    """What a coroutine answers that is given a client's session."""

    async def connected():
        address = f"{server.url}gradio_api/mcp/"
        async with streamable_http_client(address) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await visit(session)

    return asyncio.run(connected())


def answers(server, tool: str, *asked: dict) -> list:
    async def visit(session):
        return [await session.call_tool(tool, arguments) for arguments in asked]

    return visited(server, visit)


def refusal(answer) -> str:
    assert answer.isError
    return answer.content[0].text


def test_every_tool_says_what_it_takes_and_answers(server):
    tools = visited(server, lambda session: session.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert tool.description and tool.outputSchema["type"] == "object"
        for name, argument in tool.inputSchema["properties"].items():
            assert argument["description"] == ARGUMENTS[name].about
    taken = tools[0].inputSchema["properties"]
    assert (taken["temperature"]["minimum"], taken["temperature"]["maximum"]) == (0, LIMITS["temperature"].high)
    assert "dance" in json.dumps(taken["style"]) and "6/8" in json.dumps(taken["meter"])


def test_an_answer_is_json_that_is_handed_on_in_every_way(server):
    (composed,) = answers(server, "compose", {**SETTINGS, "notes": "C5 D5"})
    piece = composed.structuredContent
    assert json.loads(composed.content[-1].text) == piece and len(composed.content[-1].text) < 3000
    assert piece["bars"] == 3 and piece["link"].startswith(server.url) and "notes" not in piece
    ways = (piece["handle"], piece["link"], piece, json.dumps(piece))
    read = [answer.structuredContent for answer in answers(server, "read", *({"piece": way} for way in ways))]
    assert all(one["notes"] == read[0]["notes"] and one["text"] == piece["text"] for one in read)
    asked = {"piece": piece["handle"], "first_bar": 2, "last_bar": 2, "model": "rnn", "random_seed": 5}
    (again,) = answers(server, "repair", asked)
    assert again.structuredContent["text"] != piece["text"]


def test_music_goes_in_as_abc_and_as_base64(server):
    score = from_text("C5 D5 E5 F5 G5:2 E5:2", "chorale", "4/4").canvas.score
    file = base64.b64encode(midi.write(score)).decode()
    for music in (TUNE, file):
        (answer,) = answers(server, "harmonise", {"piece": music, "model": "rnn", "random_seed": 1})
        assert not answer.isError, answer.content
        assert answer.structuredContent["text"][0].startswith(("C5", "c5", "Soprano: C5"))


@pytest.mark.parametrize(
    ("tool", "asked", "sentence"),
    (
        ("compose", {"bras": 3}, "bras"),
        ("compose", {"bars": 99}, "bars: Choose a length"),
        ("repair", {"piece": "nonet-abcdefghijklmnop", "first_bar": 1, "last_bar": 1}, "piece: "),
        ("read", {"piece": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}, "piece: "),
        ("read", {"piece": "http://x/gradio_api/file=/etc/passwd"}, "piece: "),
    ),
)
def test_what_is_wrong_is_told_by_our_own_sentence(server, tool, asked, sentence):
    (answer,) = answers(server, tool, asked)
    said = refusal(answer)
    assert sentence in said and "Traceback" not in said and "root:" not in said


def test_a_comparison_is_short(server):
    (answer,) = answers(server, "compare", {"notes": "C5", "bars": 2, "random_seed": 1})
    assert len(answer.structuredContent["answers"]) == 9 and len(answer.content[-1].text) < 12_000
