"""What the README shows to programs and agents, run against the served app."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from gradio_client import Client, handle_file
from served import serve

import app
from musicgen import api
from musicgen.fields import ARGUMENTS
from musicgen.io.seeds import from_midi

ROOT = Path(__file__).parents[2]
PORT = "http://localhost:7860"
SECTION = (ROOT / "README.md").read_text().split("\n## From programs\n")[1].split("\n## ")[0]
LIBRARY, CLIENT, CURL, MCP = re.findall(r"```(?:python|sh)\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture(scope="module")
def server():
    """As the README starts it for agents."""
    assert "python app.py --mcp" in MCP
    with serve(ROOT / "app.py", "--mcp") as running:
        yield running
        assert "Traceback" not in running.said, running.said


def run(*command: str, folder: Path, **options) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_composes_without_the_page(tmp_path):
    assert len(LIBRARY.strip().splitlines()) <= 5
    run(sys.executable, "-c", LIBRARY, folder=tmp_path, env={"PYTHONPATH": str(ROOT)})
    score = from_midi((tmp_path / "chorale.mid").read_bytes()).canvas.score
    assert score.bars == 8 and {note.voice for note in score.notes()} == {0, 1, 2, 3}


def test_a_client_composes_repairs_and_takes_home(server, tmp_path):
    printed, file = run(
        sys.executable, "-c", CLIENT.replace(PORT, server.url), folder=tmp_path
    ).splitlines()[-2:]  # fmt: skip
    assert re.fullmatch(r"\d\d+ notes by \w+", printed)
    assert Path(file).suffix == ".mp3" and Path(file).stat().st_size > 20_000


def test_curl_composes(server, tmp_path):
    answer = run("bash", "-c", CURL.replace(PORT, server.url.rstrip("/")), folder=tmp_path)
    (piece,) = json.loads(answer.split("event: complete\ndata: ")[1])
    assert piece["bars"] == 8 and [n["pitch"] for n in piece["notes"] if n["given"]] == [72, 74, 76]


def test_every_endpoint_is_typed_and_told(server):
    endpoints = Client(server.url, verbose=False).view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(endpoints) == ["/compose", "/harmonise", "/repair", "/compare", "/models", "/read", "/render"]
    for name, about in endpoints.items():
        assert about["description"] == api.__dict__[name[1:]].__doc__.split("\n\n")[0]
        assert all(parameter["type"] for parameter in about["parameters"])
        assert len(about["returns"]) == 1 and about["returns"][0]["type"]
    taken = {p["parameter_name"]: p["parameter_default"] for p in endpoints["/compose"]["parameters"]}
    assert list(taken) == [
        "model", "style", "notes", "bars", "meter", "tempo", "temperature", "top_p", "random_seed", "piece",
    ]  # fmt: skip


def test_http_clients_read_what_each_argument_is_and_its_limits(server):
    with urlopen(f"{server.url}gradio_api/info") as answer:
        endpoints = json.load(answer)["named_endpoints"]
    for about in endpoints.values():
        for parameter in about["parameters"]:
            default = parameter["parameter_default"] if parameter["parameter_has_default"] else ...  # none at all
            schema = ARGUMENTS[parameter["parameter_name"]].schema(default)
            assert {**schema, "additional_description": schema["description"]} == parameter["type"]


def test_a_client_hands_over_a_file(server, tmp_path):
    tune = tmp_path / "tune.abc"
    tune.write_text("X:1\nT:A tune\nC:Somebody\nM:4/4\nL:1/4\nK:C\nc d e f | g2 e2 |\n")
    client = Client(server.url, verbose=False)
    answer = client.predict(piece=handle_file(tune), model="rnn", random_seed=1, api_name="/harmonise")
    assert answer["text"][0] == "C5 D5 E5 F5 | G5:2 E5:2" and all(answer["text"][1:])
    assert (answer["title"], answer["author"]) == ("A tune", "Somebody")


def test_what_is_wrong_comes_back_as_a_sentence_that_names_the_argument(server):
    client = Client(server.url, verbose=False)
    for asked, sentence in (({"bars": 99}, "bars: Choose a length"), ({"random_seed": 10**24}, "random_seed: Choose")):
        with pytest.raises(Exception, match=sentence):
            client.predict(api_name="/compose", **asked)


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(app, "find_spec", lambda name: None)
    assert "gradio[mcp]" in app.main(["--mcp"])
