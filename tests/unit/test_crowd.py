"""Many at once at a served page whose models take their time: who waits, who leaves, and what never waits."""

import asyncio
import time
import uuid

import pytest
from midis import file_of, tune
from served import ROOT, Visitor, client, serve

WORKERS, PLACES = 2, 3
LONG = {"bars": 32, "cards": "gru", "anew": False}  # some seconds, for these models
PIECE = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 16, "notes": [[0, 72, 0, 16]], "fixed": []}
BEAT = 4.0  # seconds on a busy machine; a model takes more for the whole piece


@pytest.fixture(scope="module")
def server():
    with serve(ROOT / "tests" / "slowly.py", WAITING=str(PLACES)) as running:
        yield running
        assert "Traceback" not in running.said, running.said


class Run:
    """One visitor's click, followed in the background."""

    def __init__(self, http, config):
        self.visitor, self.name, self.heard = Visitor(http, config), uuid.uuid4().hex, []
        self.event, self.task = "", None

    async def begin(self, **given):
        answer = await self.visitor.join("generate", call={"run": self.name}, **{**LONG, **given})
        answer.raise_for_status()
        self.event = answer.json()["event_id"]
        self.task = asyncio.create_task(self._follow())
        return self

    async def _follow(self):
        async for message in self.visitor.messages():
            self.heard.append(message)

    def names(self) -> list[str]:
        return [message["msg"] for message in self.heard]

    async def until(self, name: str):
        end = time.monotonic() + 60
        while name not in self.names():
            assert time.monotonic() < end, self.names()
            await asyncio.sleep(0.02)

    async def leave(self):
        """What the page does when Stop is pressed while it waits."""
        event = self.visitor.event("generate")["id"]
        body = {"session_hash": self.visitor.session, "fn_index": event, "event_id": self.event}
        (await self.visitor.client.post("gradio_api/cancel", json=body)).raise_for_status()

    async def go(self):
        """The tab is closed."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def crowd(server, act):
    async def together():
        async with client(server) as http:
            config = (await Visitor.at(http)).config
            runs = [await Run(http, config).begin() for _ in range(WORKERS)]
            for run in runs:
                await run.until("process_generating")
            try:
                await act(http, config, runs)
            finally:
                for run in runs:
                    await run.go()
                await quiet(http)

    asyncio.run(together())


async def quiet(http):
    """Until nobody waits; those who are gone have freed their workers."""
    while (await http.get("gradio_api/queue/status")).json()["queue_size"]:
        await asyncio.sleep(0.05)


def test_who_waits_reads_place_and_estimate_and_stop_works_at_once(server):
    async def act(http, config, runs):
        last = None
        for place in range(PLACES):
            last = await Run(http, config).begin()
            runs.append(last)
            await last.until("estimation")
            assert last.heard[-1]["rank"] == place and last.heard[-1]["queue_size"] == place + 1
        since = time.monotonic()
        await runs[WORKERS].leave()
        await runs[WORKERS].until("process_completed")
        while last.heard[-1]["rank"] != PLACES - 2:  # the others move up
            await asyncio.sleep(0.02)
            assert time.monotonic() < since + BEAT
        assert "process_starts" not in runs[WORKERS].names()

    crowd(server, act)


def test_a_full_queue_says_so_and_refuses_neither_files_nor_uploads(server):
    async def act(http, config, runs):
        for _ in range(PLACES):
            runs.append(await Run(http, config).begin())
        answer = await Visitor(http, config).join("generate", call={"run": "r"}, **LONG)
        assert answer.status_code == 503 and str(PLACES) in answer.json()["detail"]
        assert (await http.get("gradio_api/queue/status")).json()["queue_size"] == PLACES
        since = time.monotonic()
        assert (await Visitor(http, config).download("midi", PIECE)).startswith(b"MThd")
        update = await Visitor(http, config).upload("tune.mid", file_of(("tune", 0, tune([72]))))
        assert update["kind"] == "given"
        assert time.monotonic() < since + 10
        assert "process_completed" not in [name for run in runs for name in run.names()]
        await runs[-1].leave()
        runs.append(await Run(http, config).begin())  # there is room again

    crowd(server, act)


@pytest.mark.parametrize("how", ["stop", "close"])
def test_a_run_that_is_stopped_or_whose_tab_is_closed_frees_its_worker_within_a_beat(server, how):
    async def act(http, config, runs):
        waiting = await Run(http, config).begin()
        runs.append(waiting)
        await waiting.until("estimation")
        since = time.monotonic()
        if how == "close":
            await runs[0].go()
        else:
            other = Visitor(http, config)
            other.session = runs[0].visitor.session
            (await other.join("stop", call={"run": runs[0].name})).raise_for_status()
        await waiting.until("process_starts")
        assert time.monotonic() < since + BEAT
        if how == "stop":
            await runs[0].until("process_completed")
            ends = [m["output"] for m in runs[0].heard if m["msg"] == "process_generating"][-1]
            assert "stopped" in str(ends)

    crowd(server, act)


def test_who_closes_the_tab_while_waiting_is_not_waited_for(server):
    async def act(http, config, runs):
        gone, next_one = [await Run(http, config).begin() for _ in range(2)]
        runs.append(next_one)
        await next_one.until("estimation")
        assert next_one.heard[-1]["rank"] == 1
        await gone.go()
        since = time.monotonic()
        while (await http.get("gradio_api/queue/status")).json()["queue_size"] > 1:
            await asyncio.sleep(0.05)
            assert time.monotonic() < since + BEAT
        assert "process_starts" not in gone.names()

    crowd(server, act)
