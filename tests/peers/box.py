"""A box at a customer's site beside a peer: the daemon, a broker, people at the command line, and one who watches."""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import socket
import tempfile

from simulator import PATIENCE, Failed, Sightings

GATEWAY = "site-1"
PREFIX = f"panelgate/v1/{GATEWAY}/"
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"  # not on a plain user's path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program whose lines are kept."""

    def __init__(self, process, seen):
        self._process, self._seen = process, seen
        self.lines = []
        self._readers = [asyncio.ensure_future(self._read(pipe)) for pipe in (process.stdout, process.stderr)]

    @classmethod
    async def start(cls, seen, *command):
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, limit=1 << 22), seen)

    async def _read(self, pipe):
        while line := await pipe.readline():
            self.lines.append(line.decode(errors="replace").rstrip("\n"))
            self._seen.news()

    async def says(self, words):
        await self._seen.quietly(f"{words!r} among\n" + "\n".join(self.lines[-20:]),
                                 lambda: any(words in line for line in self.lines))

    async def stop(self):
        """Asks it to end; returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except asyncio.TimeoutError:
            raise Failed("a program does not end when it is asked to") from None
        await asyncio.gather(*self._readers)
        return self._process.returncode

    def kill(self):
        if self._process.returncode is None:
            self._process.kill()


class Box:
    """Runs from `async with` on. `panels` is the vendor's part of the configuration, `secrets` are files for it."""

    def __init__(self, panels, secrets):
        self._temporary = tempfile.TemporaryDirectory(prefix="panelgate-")
        self._folder = pathlib.Path(self._temporary.name)
        self._running = []
        self.seen = Sightings()
        self._port = free_port()
        self._socket = self._folder / "panelgate.sock"
        for name, secret in secrets.items():
            path = self._folder / name
            path.touch(mode=0o600)
            path.write_text(secret)
        self._config = self._folder / "panelgate.toml"
        self._config.write_text(
            f'[gateway]\nid = "{GATEWAY}"\ndata_dir = "data"\nsocket = "panelgate.sock"\n\n'
            f'[cloud]\nurl = "mqtt://127.0.0.1:{self._port}"\n\n[log]\nlevel = "debug"\n\n{panels}')

    async def _start(self, *command):
        process = await Process.start(self.seen, *command)
        self._running.append(process)
        return process

    async def __aenter__(self):
        try:
            await self._start_all()
        except BaseException:
            await self.__aexit__(Failed)
            raise
        return self

    async def _start_all(self):
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self._port} 127.0.0.1\nallow_anonymous true\n")
        broker = await self._start(MOSQUITTO, "-v", "-c", str(config))
        await broker.says("running")
        # Into a pipe it would print in blocks.
        self._watcher = await self._start(
            "stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self._port), "-d", "-q", "1", "-t",
            f"{PREFIX}#", "-F", "MESSAGE %t %p")
        await self._watcher.says("Subscribed")
        check = await self._run("check", "--config", str(self._config))
        if check[0] != 0:
            raise Failed(f"the configuration is refused:\n{check[1]}{check[2]}")
        self.daemons = []
        await self.restart()

    async def restart(self):
        """Starts the daemon, for the first time or after it was stopped."""
        online = len(self.messages("status"))
        self.daemon = await self._start(os.environ["PANELGATE"], "run", "--config", str(self._config))
        self.daemons.append(self.daemon)
        await self.seen.quietly("a newer status", lambda: len(self.messages("status")) > online)
        await self.told("status", "the daemon is online", lambda body: body["state"] == "online")

    async def __aexit__(self, failure, *_):
        """After a success the daemon has to end well."""
        try:
            code = 0 if failure else await self.daemon.stop()
            if code != 0:
                raise Failed(f"the daemon ended with {code}:\n" + "\n".join(self.daemon.lines[-20:]))
        finally:
            for process in self._running:
                process.kill()
            self._temporary.cleanup()

    # Over MQTT

    def messages(self, topic):
        """What was published on a topic so far."""
        start = f"MESSAGE {PREFIX}{topic} "
        return [json.loads(line[len(start):]) for line in self._watcher.lines if line.startswith(start)]

    def events(self, panel, kind, **fields):
        """The panel's events of a kind, each once."""
        fitting = lambda event: event["kind"] == kind and all(event.get(k) == v for k, v in fields.items())
        return list({event["id"]: event for event in self.messages(f"panels/{panel}/event") if fitting(event)}.values())

    async def told(self, topic, what, fits):
        """Waits until the last message on a topic fits, and returns it."""
        def last():
            try:
                return next((body for body in self.messages(topic)[-1:] if fits(body)), None)
            except KeyError:
                return None  # not known yet

        try:
            await self.seen.until(what, lambda: last() is not None)
        except Failed as failure:
            raise Failed(f"{failure}; last on {topic}: {self.messages(topic)[-1:]}\n"
                         + "\n".join(self.daemon.lines[-20:])) from None
        return last()

    async def event(self, panel, kind, count=1, **fields):
        """Waits for an event of a panel."""
        await self.seen.until(f"{panel}: {kind} {fields or ''}",
                              lambda: len(self.events(panel, kind, **fields)) >= count)
        return self.events(panel, kind, **fields)[-1]

    # At the command line

    async def _run(self, *words, types=""):
        process = await asyncio.create_subprocess_exec(
            os.environ["PANELGATE"], *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=os.environ | {"PANELGATE_SOCKET": str(self._socket)})
        out, err = await asyncio.wait_for(process.communicate(types.encode()), PATIENCE)
        return process.returncode, out.decode(), err.decode()

    async def command(self, *words, types="", ends=0):
        """What a command prints; it has to end with that code."""
        code, out, err = await self._run(*words, types=types)
        if code != ends:
            raise Failed(f"panelgate {' '.join(words)} ended with {code}, expected {ends}:\n{out}{err}")
        print(f"ok: panelgate {' '.join(words)}", flush=True)
        return out

    async def json(self, *words):
        return json.loads(await self.command(*words, "--json"))

    async def operator(self, *words, types=""):
        """The cloud's side."""
        return await self.command(
            "operator", *words, "--mqtt", f"mqtt://127.0.0.1:{self._port}", "--gateway", GATEWAY, types=types)
