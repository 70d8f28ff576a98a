"""Several replicas behind nginx, which keeps each visitor at one of them: `python tests/replicas.py`. It needs nginx.

Every visitor composes; then one replica is killed, and all visitors ask again. What came of it is printed.
"""

import argparse
import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
from served import PATIENCE, ROOT, Server, Visitor, free_port, serve, wait_until

README = ROOT / "README.md"
AROUND = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{settings}
}}
"""


def settings(port: int, replicas: list[Server]) -> str:
    """Those of the README, with these addresses; each answer says which replica gave it."""
    written = re.search(r"```nginx\n(.*?)```", README.read_text(), re.DOTALL)[1]
    places = iter([server.url.removeprefix("http://").rstrip("/") for server in replicas])
    written = re.sub(r"server [\w.]+:7860", lambda _: f"server {next(places)}", written)
    written = written.replace("add_header", "add_header X-Replica $upstream_addr always; add_header")
    return written.replace("listen 80;", f"listen 127.0.0.1:{port};")


@contextlib.contextmanager
def balancer(replicas: list[Server]) -> Iterator[str]:
    """nginx before the replicas, until the block ends; its address."""
    port, program = free_port(), shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(AROUND.format(folder=folder, settings=settings(port, replicas)))
        process = subprocess.Popen([program, "-c", str(file), "-e", f"{folder}/error.log"])
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_until(lambda: process.poll() is not None or answers(url), "answer of nginx")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url + "config", timeout=10).is_success
    return False


async def composes(url: str, cookies: httpx.Cookies, number: int) -> tuple[str, str]:
    """The replicas that a visitor came to, and `done` or what went wrong."""
    seen: Counter[str] = Counter()

    async def count(answer: httpx.Response):
        seen[answer.headers["x-replica"]] += 1

    hooks = {"response": [count]}
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, cookies=cookies, event_hooks=hooks) as http:
        try:
            visitor = await Visitor.at(http)
            *_, last = [u async for u in visitor.updates(cards="gru", bars=4, random_seed=number, anew=False)]
            state = last.get("state", last["kind"])
        except Exception as error:
            state = f"{type(error).__name__}: {error}"
        cookies.update(http.cookies)
    return ", ".join(sorted(seen)), state


async def visits(url: str, visitors: list[httpx.Cookies], title: str) -> list[tuple[str, str]]:
    found = await asyncio.gather(*(composes(url, cookies, number) for number, cookies in enumerate(visitors)))
    print(f"{title}: {dict(Counter(state for _, state in found))}")
    print(f"  replicas that each visitor came to: {dict(Counter(place for place, _ in found))}", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=12)
    options = parser.parse_args()
    visitors = [httpx.Cookies() for _ in range(options.visitors)]
    with serve() as one, serve() as other, balancer([one, other]) as url:
        first = asyncio.run(visits(url, visitors, "new visitors"))
        again = asyncio.run(visits(url, visitors, "the same, again"))
        other.process.kill()
        other.process.wait()
        rest = asyncio.run(visits(url, visitors, "after one replica died"))
    places = [place for place, _ in first]
    stuck = len(set(places)) == 2 and not any("," in place for place in places) and places == [p for p, _ in again]
    done = all(state == "done" for _, state in first + again + rest)
    print(f"both are used, and each visitor stays at one: {stuck}; everybody's music is done: {done}")
    return 0 if stuck and done else 1


if __name__ == "__main__":
    sys.exit(main())
