"""The communicator of a small Neo panel of ours: dials the server, shakes hands, and waits when the line is down.

    neor_communicator.py --connect HOST:PORT [--set encryption=1|2] …

It is poked on stdin and tells on stdout, like `panelgate simulate neor`.
"""

import argparse
import asyncio
import json
import os
import sys

import neor_itv2 as itv2
from neor_itv2 import ERROR, OPEN_SESSION, REQUEST_ACCESS, RESPONSE, BadInitializer, Message, Reader, Type1, Type2
from neor_itv2 import Wrong, counted, u16
from neor_link import Link
from neor_memory import EMPTY
from neor_panel import Panel

# Communicator, its id, firmware, protocol version, both buffers, 1.
INTRODUCTION = bytes.fromhex("02 032C 0411 0211 0200 0200 0001")
FIRST_APP = 0x91
PAUSE = 1  # second between dialling and dialling again; real ones take 15


class Session:
    """The panel's side of one connection. `connected()` is called once, before anything else may be sent."""

    def __init__(self, write, identifier, access, panel, later, connected, random=os.urandom, **link):
        header = identifier.encode("ascii")
        self.link = Link(write, self._deliver, header=header, opens=True, headers={b"", header}, **link)
        self._access, self._panel, self._later, self._random = access, panel, later, random
        self._when_connected = connected
        self._app = FIRST_APP - 1
        self._stage = "opening"
        self.ended = False
        self.complaints = []

    @property
    def connected(self):
        return self._stage == "connected"

    def start(self):
        self._command(Message(OPEN_SESSION, INTRODUCTION + bytes([self._access.number])))

    def _command(self, message, then=None):
        self._app = itv2.after(self._app)
        self.link.send(Message(message.command, bytes([self._app]) + message.body), then)

    def _respond(self, app, code):
        self.link.send(Message(RESPONSE, bytes([app, code])))

    def _deliver(self, message):
        if message.command == itv2.END_SESSION:
            self.ended = True
        elif self.connected:
            self._answer(message)
        else:
            self._shake_hands(message)

    def _shake_hands(self, message):
        reader = Reader(message.body)
        match self._stage, message.command:
            case "opening", itv2.RESPONSE:
                self._expect_success(message)
                self._stage = "opened"
            case "opened", itv2.OPEN_SESSION:
                app = reader.u8()
                if reader.rest() != INTRODUCTION + bytes([self._access.number]):
                    self.link.send(Message(ERROR, u16(OPEN_SESSION) + b"\x01"))
                    raise Wrong(f"the server's OpenSession does not mirror ours: {message}")
                self._respond(app, 0)
                initializer, key = self._access.make("panel", self._random)
                self._command(Message(REQUEST_ACCESS, counted(initializer)), then=lambda: self._listen(key))
                self._stage = "access"
            case "access", itv2.RESPONSE:
                self._expect_success(message)
                self._stage = "granted"
            case "granted", itv2.REQUEST_ACCESS:
                app, initializer = reader.u8(), reader.counted()
                reader.end()
                try:
                    self.link.tx_key = self._access.open("server", initializer)
                except BadInitializer:
                    self._respond(app, 1)
                    raise
                self._respond(app, 0)
                self._stage = "connected"
                self._when_connected()
            case stage, _:
                raise Wrong(f"{message} while the session is at '{stage}'")

    def _listen(self, key):
        self.link.rx_key = key

    def _expect_success(self, message):
        if message.body != bytes([self._app, 0]):
            raise Wrong(f"{message}, expected success for app sequence {self._app}")

    def _answer(self, message):
        """Panels answer in several patterns; a server has to take them all."""
        for answer in self._panel.answer(message):
            match answer.command:
                case 0x0613 | 0x4736:  # acknowledged now, answered later
                    self._later(0.05, lambda late=answer: self.ended or self.link.send(late))
                case 0x4737:  # beside a notification, in one packet
                    clock = Message(0x0220, bytes.fromhex("00 00 00 21"))
                    self.link.send(itv2.together(clock, answer))
                case 0x0772:  # success first, then what was asked for
                    self._respond(message.body[0], 0)
                    self.link.send(answer)
                case itv2.ERROR:
                    self.complaints.append(f"{message} was answered with {answer}")
                    self.link.send(answer)
                case _:
                    self.link.send(answer)


class Communicator:
    """Keeps a panel connected: dials again whenever the line is lost, and tells then what happened meanwhile.

    `tell` hears what happens at the panel, `heard` that anything came from the server.
    """

    def __init__(self, address, identifier, access, tell, heard=lambda: None, **panel):
        later = lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call)
        self._address, self._identifier, self._access = address, identifier, access
        self._later, self._tell, self._heard = later, tell, heard
        self.panel = Panel(later, tell, self.notify, **panel)
        self.session = self._writer = None
        self._offline = []
        self._down = 0  # seconds to stay away before dialling again
        self.complaints = []

    @property
    def connected(self):
        return self.session is not None and self.session.connected

    def notify(self, message):
        if self.connected:
            self.session.link.send(message)
        else:
            self._offline.append(message)

    def _connected(self):
        self._tell("connected", server_header=self.session.link.peer_header.decode("ascii"))
        while self._offline:
            self.session.link.send(self._offline.pop(0))

    def drop(self, seconds):
        self._down = seconds
        if self._writer:
            self._writer.transport.abort()

    async def run(self):
        while True:
            try:
                reader, self._writer = await asyncio.open_connection(*self._address)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            await self._talk(reader)
            await asyncio.sleep(max(PAUSE, self._down))
            self._down = 0

    async def _talk(self, reader):
        self.session = Session(
            self._writer.write, self._identifier, self._access, self.panel, self._later, self._connected)
        failure = None
        try:
            self.session.start()
            while not self.session.ended and (chunk := await reader.read(4096)):
                self.session.link.feed(chunk)
                self._heard()
        except OSError:
            pass  # the line was cut
        except Exception as wrong:  # shown by whoever waits, whether it is the server's mistake or our own
            failure = f"{type(wrong).__name__}: {wrong}"
            self.complaints.append("\n".join([failure, *self.session.link.trace]))
        finally:
            self._writer.close()
            session, self.session = self.session, None
            session.ended = True
            self.complaints += session.complaints
            self._offline += [m for m in session.link.unsent if 0x0200 <= m.command < 0x0300]
            self.panel.line_lost()
            self._tell("line_lost", **({"failure": failure} if failure else {}))


def access(identifier, number, code1="12345678", code2="12345678" * 4):
    return {1: Type1(identifier, code1), 2: Type2(code2)}[number]


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def poke(communicator, words):
    panel = communicator.panel
    match words:
        case ["open", zone]:
            panel.set_zone(int(zone), 1)
        case ["close", zone]:
            panel.set_zone(int(zone), 0)
        case ["arm", mode, *rest]:
            partition, slot = [int(word) for word in rest] + [1, 1][len(rest):]
            panel.arm(partition, {"stay": 1, "away": 2, "night": 4}[mode], slot)
        case ["disarm", *rest]:
            partition, slot = [int(word) for word in rest] + [1, 1][len(rest):]
            panel.disarm(partition, slot)
        case ["edit", slot, "delete"]:
            panel.edit(int(slot), EMPTY)
        case ["edit", slot, "code", code]:
            panel.edit(int(slot), code)
        case ["drop", *seconds]:
            communicator.drop(float(*seconds or [0]))
        case ["users"]:
            tell("users", users=[{"slot": slot, **vars(user)} for slot, user in panel.users.items()])
        case _:
            tell("not_understood", words=" ".join(words))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", required=True)
    for name, value in ("users", 0), ("partitions", 2), ("zones", 16), ("seed", 0):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    settings = dict(setting.split("=") for setting in options.set)
    host, port = options.connect.rsplit(":", 1)
    identifier = "310212345678"
    communicator = Communicator(
        (host, int(port)), identifier, access(identifier, int(settings.get("encryption", 2))), tell, used=options.users,
        partitions=options.partitions, zones=options.zones, exit_seconds=int(settings.get("exit_seconds", 2)))
    running = asyncio.ensure_future(communicator.run())
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while (line := await stdin.readline()) and line != b"quit\n":
        poke(communicator, line.decode().split())
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
