"""How many visitors one server bears: `python tests/load.py`. Figures are printed, nothing is asserted.

    python tests/load.py crowd              20 at once, 60 at once, 10 who compare all
    python tests/load.py idle               what a server takes that nobody visits, and how soon it hears a click
    python tests/load.py soak               1,000 runs and among them 200 downloads, each in a session of its own

Every visitor's notes are held against those of a lone run. Run it on a machine that does nothing else: the clients
share its processors with the server, and the load that was there before is printed with the figures.
"""

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass

from served import Server, Visitor, client, mixed, percentile, serve, spread

PARTY = 10  # who come at the same time in a soak


@dataclass
class Heard:
    """What became of one visitor's click, in seconds after it."""

    first: float | None = None  # notes beyond the seed
    done: float | None = None
    notes: object = None
    failure: str = ""


async def asked(visitor: Visitor, element: str, **given) -> Heard:
    heard, since, answers = Heard(), time.monotonic(), {}
    try:
        async for update in visitor.updates(element, anew=False, **given):
            at = time.monotonic() - since
            if update["kind"] in ("notes", "end") and heard.first is None:
                heard.first = at
            if update["kind"] == "end":
                answers[update.get("row", "")] = update["notes"]
            if update["kind"] in ("failed", "problem"):
                heard.failure = update["message"]
            if update["kind"] == ("end" if element == "generate" else "over"):
                heard.done, heard.notes = at, answers
    except Exception as error:
        heard.failure = f"{type(error).__name__}: {error}"
    if heard.done is None and not heard.failure:
        heard.failure = "the stream ended early"
    return heard


def report(title: str, crowd: list[Heard], alone: list[Heard]):
    failures = [h.failure for h in crowd if h.failure]
    differing = sum(h.notes != a.notes for h, a in zip(crowd, alone) if not h.failure)
    print(f"{title}: {len(failures)} failures, {differing} with other notes than alone")
    for name in ("first", "done"):
        if times := [t for h in crowd if (t := getattr(h, name)) is not None]:
            print(f"  {'first notes' if name == 'first' else name}: {spread(times)}")
    for failure in sorted(set(failures)):
        print(f"  failed: {failure}")


async def crowd(server: Server, visitors: list[int], comparing: int):
    async with client(server) as http:
        config, names = await page(http)

        async def ask(element: str, number: int, name: str) -> Heard:
            return await asked(Visitor(http, config), element, cards=name, bars=8, random_seed=number)

        sizes = [(n, "generate", mixed(names, n)) for n in visitors] + [
            (comparing, "compare-all", mixed(names, comparing))
        ]
        for count, element, models in sizes:
            if not count:
                continue
            used = server.seconds
            alone = [await ask(element, number, name) for number, name in enumerate(models)]
            report(f"{count} one after another, {element}", alone, alone)
            print(f"  {server.seconds - used:.1f} s of processor time")
            used = server.seconds
            together = await asyncio.gather(*(ask(element, number, name) for number, name in enumerate(models)))
            report(f"{count} at once, {element}", together, alone)
            print(f"  {server.seconds - used:.1f} s of processor time")


async def idle(server: Server, seconds: int, clicks: int):
    """What it takes of a processor meanwhile, then how long after a click Gradio begins with it."""
    used = server.seconds
    await asyncio.sleep(seconds)
    print(f"idle: {(server.seconds - used) / seconds:.1%} of a processor over {seconds} s")
    waited = []
    async with client(server) as http:
        visitor = await Visitor.at(http)
        for _ in range(clicks):
            await asyncio.sleep(0.0537)  # of no beat with the server's pauses
            since = time.monotonic()
            async for name, _ in visitor.use("save-midi", call={}):
                if name == "process_starts":
                    waited.append(1000 * (time.monotonic() - since))
    print(f"click to its beginning: median {percentile(waited, 0.5):.0f} ms, p95 {percentile(waited, 0.95):.0f} ms")


async def page(http) -> tuple[dict, list[str]]:
    """What the page is made of, and the names of the models it offers."""
    config = (await Visitor.at(http)).config
    cards = next(c["props"] for c in config["components"] if c["props"].get("elem_id") == "cards")
    return config, [card["name"] for card in cards["props"]["cards"]]


async def soak(server: Server, runs: int, downloads: int):
    """Parties of runs, each of which takes its share of the files home."""

    def state() -> str:
        return f"{server.memory:.0f} MB, {server.handles} handles, {server.threads} threads, {len(server.kept())} files"

    async with client(server) as http:
        config, names = await page(http)
        models, formats = mixed(names, runs), mixed(["midi", "musicxml", "wav", "mp3", "png"], downloads)
        failures, level, taken = 0, 0.0, 0
        for start in range(0, runs, PARTY):
            numbers = range(start, min(start + PARTY, runs))
            asks = [asked(Visitor(http, config), "generate", cards=models[n], bars=8, random_seed=n) for n in numbers]
            heard, done = await asyncio.gather(*asks), numbers[-1] + 1
            failures += sum(bool(h.failure) for h in heard)
            piece = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 128, "fixed": []}
            piece["notes"] = [note[:4] for note in heard[0].notes[""]]
            while taken < downloads * done // runs:
                try:
                    await Visitor(http, config).download(formats[taken], piece)
                except Exception as error:
                    print(f"  failed: {formats[taken]}: {type(error).__name__}: {error}")
                taken += 1
            if done % 100 < PARTY:
                print(f"{done} runs, {failures} failures, {taken} downloads: {state()}", flush=True)
            if done == 200:
                level = server.memory
        if level:
            now = server.memory
            print(f"memory: {level:.0f} MB after the first 200 runs, {now:.0f} MB now, {now / level - 1:+.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("crowd", "idle", "soak"))
    parser.add_argument("--visitors", type=int, nargs="*", default=[20, 60], help="who generate at once")
    parser.add_argument("--comparing", type=int, default=10, help="who compare all at once")
    parser.add_argument("--seconds", type=int, default=60, help="of idleness")
    parser.add_argument("--clicks", type=int, default=100, help="after it")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--downloads", type=int, default=200)
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load before {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}")
    with serve() as server:
        server.wait_for('"ready"', 900)
        if options.what == "crowd":
            asyncio.run(crowd(server, options.visitors, options.comparing))
        elif options.what == "idle":
            asyncio.run(idle(server, options.seconds, options.clicks))
        else:
            asyncio.run(soak(server, options.runs, options.downloads))
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
