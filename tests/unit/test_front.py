"""The first answer: what is put into Gradio's page, and what is left alone."""

import re

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from musicgen.web import front, parts

PAGE = "<html><head><title>T</title></head><body class='b'><gradio-app></gradio-app></body></html>"


def visitor(page: str = PAGE) -> TestClient:
    app = FastAPI(middleware=front.middleware("<link href='x'>", "<p>soon</p>"))
    app.get("/", response_class=HTMLResponse)(lambda: page)
    app.get("/config")(lambda: {"head": "</head><body>"})
    return TestClient(app)


def test_head_and_shell_stand_in_the_page_and_its_length_is_told():
    answer = visitor().get("/", headers={"Accept-Encoding": "identity"})
    assert "<link href='x'></head><body class='b'><p>soon</p><gradio-app>" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_link_to_the_page_shows_our_title_and_picture_and_nothing_of_gradio():
    gradios = """<meta property="og:title" content="Gradio" /><meta
        property="og:image"
        content="https://x/header.jpg"
    /><meta name="twitter:creator" content="@Gradio" />"""
    page = PAGE.replace("<title>", f'<meta name="viewport" content="w">{gradios}<title>')
    app = FastAPI(middleware=front.middleware(parts.head(), ""), routes=parts.routes())
    app.get("/", response_class=HTMLResponse)(lambda: page)
    proxy = {"X-Forwarded-Host": "nonet.example", "X-Forwarded-Proto": "https"}
    answer = TestClient(app).get("/", headers=proxy).text
    shown = re.sub(r"<script.*?</script>", "", answer, flags=re.DOTALL)  # our own scripts may speak of it
    assert "Gradio" not in shown and "header.jpg" not in answer and 'name="viewport"' in answer
    assert f'<meta property="og:title" content="{parts.TITLE}">' in answer
    assert '<meta property="og:url" content="https://nonet.example/">' in answer
    (picture,) = re.findall(r'"og:image" content="https://nonet.example(.*?)"', answer)
    found = TestClient(app).get(picture)
    assert found.headers["content-type"] == "image/png" and found.content.startswith(b"\x89PNG")


def test_a_long_page_comes_compressed_and_whole():
    long = PAGE.replace("</body>", "word " * 2000 + "</body>")
    answer = visitor(long).get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.count("word") == 2000 and "<p>soon</p>" in answer.text
    assert int(answer.headers["content-length"]) < 1000


def test_every_other_answer_stays_as_it_is():
    assert visitor().get("/config").json() == {"head": "</head><body>"}
    assert visitor().get("/none").status_code == 404


def test_all_scripts_that_are_hinted_at_are_there(monkeypatch, tmp_path):
    page = FastAPI(routes=parts.routes())
    *gradios, own = re.findall(r'<link rel="modulepreload" href="(.*?)">', parts.head())
    assert all((parts.GRADIO.parent / name).is_file() for name in gradios)
    assert any("/HTML-" in name for name in gradios)
    answer = TestClient(page).get(own)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    monkeypatch.setattr(parts, "GRADIO", tmp_path)  # of another version, which calls them otherwise
    assert parts.chunks() == []
