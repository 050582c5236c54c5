"""A `panelgate simulate` beside a peer: its front panel, and what it says happens."""

import asyncio
import json
import os
import sys

PATIENCE = 60  # seconds that anything may take


class Failed(Exception):
    """The peer did not see what it should."""


class Simulator:
    running = []

    def __init__(self, process):
        self._process = process
        self.running.append(process)
        self.lines = []
        self._news = asyncio.Condition()
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, *arguments, vendor="dsc"):
        simulator = await cls.spawn(os.environ["PANELGATE"], "simulate", vendor, *arguments)
        simulator.listening = await simulator.wait("listening")
        return simulator

    @classmethod
    async def spawn(cls, *command):
        """Any program that is poked and tells like a simulator."""
        return cls(await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE))

    @property
    def port(self):
        return int(self.listening["addr"].rsplit(":", 1)[1])

    async def _read(self):
        while line := await self._process.stdout.readline():
            async with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self.lines.append({"event": "ended"})
            self._news.notify_all()

    def mark(self):
        return len(self.lines)

    async def poke(self, words):
        """Does something at the front panel."""
        self._process.stdin.write(words.encode() + b"\n")
        await self._process.stdin.drain()

    async def wait(self, event, start=0, **fields):
        """Waits for something that happens in the panel, and returns its line."""
        def fitting():
            for line in self.lines[start:]:
                if line["event"] == event and all(line.get(k) == v for k, v in fields.items()):
                    return line
            return None

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: fitting() is not None), PATIENCE)
            except asyncio.TimeoutError:
                tail = "\n".join(map(str, self.lines[-20:]))
                raise Failed(f"the simulator never had {event} {fields}; its last lines:\n{tail}") from None
            return fitting()

    async def stop(self):
        await self.poke("quit")
        await asyncio.wait_for(self._process.wait(), PATIENCE)
        await self._reader

    @classmethod
    def kill_all(cls):
        """After a failure: one that lived on would hold our output open."""
        for process in cls.running:
            if process.returncode is None:
                process.kill()


class Sightings:
    """What a peer's callbacks told, and waiting for more of it."""

    def __init__(self):
        self._news = asyncio.Event()

    def note(self, text):
        print(f"   saw: {text}", flush=True)
        self.news()

    def news(self):
        """Something changed: whoever waits looks again."""
        self._news.set()

    async def until(self, what, fits):
        """Waits until `fits()` holds; it is asked again after every sighting."""
        await self.quietly(what, fits)
        print(f"ok: {what}", flush=True)

    async def quietly(self, what, fits):
        """The same without a line of its own."""
        try:
            await asyncio.wait_for(self._until(fits), PATIENCE)
        except asyncio.TimeoutError:
            raise Failed(f"never saw: {what}") from None

    async def _until(self, fits):
        while not fits():
            self._news.clear()
            await self._news.wait()


def main(scenario):
    """Runs the scenario; exits with 1 and the reason if it fails."""
    async def to_the_end():
        try:
            await scenario()
        finally:
            Simulator.kill_all()

    try:
        asyncio.get_event_loop_policy().new_event_loop().run_until_complete(to_the_end())
    except Failed as failure:
        print(f"FAILED: {failure}", flush=True)
        sys.exit(1)
