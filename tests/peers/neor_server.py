"""The server's side of ITv2 and its requests, written from the protocol's description alone."""

import asyncio

import neor_itv2 as itv2
from neor_itv2 import ERROR, OPEN_SESSION, REQUEST, REQUEST_ACCESS, RESPONSE, Message, Reader, Wrong
from neor_itv2 import bcd, compact, counted, mask, u16
from neor_link import Link
from simulator import PATIENCE, Failed

CAPABILITIES, CODE_LENGTH, ASSIGNMENT, LABELS, IN_USE = 0x0613, 0x0236, 0x0770, 0x0771, 0x0772
ZONES, PARTITIONS = 0x0811, 0x0812
ENTER, LEAVE, LEAD = 0x0704, 0x0701, 0x0702
CODES, ATTRIBUTES, ASSIGNED, CONFIGURED = 0x0736, 0x0737, 0x0738, 0x073C
WRITE = 0x0010  # the write of a read
LABEL_WRITE = 0x0750
ARM, DISARM, ACTIVITY = 0x0900, 0x0901, 0x0912
ZONE_LABELS, PARTITION_LABELS, USER_LABELS = 0xD1, 0xD3, 0xD9
STAY, AWAY = 1, 2
ACCESS_CODES = 1
WRONG_MODE, WRONG_CODE, BUSY, UNAVAILABLE = 16, 17, 19, 23


# Requests, without their app sequence


def wanted(command, fields=b""):
    return Message(REQUEST, u16(command) + fields)


def labels(option, first, last):
    return wanted(LABELS, compact(option) + compact(first) + compact(last))


def zone_status(first, count):
    return wanted(ZONES, compact(first) + compact(count))


def partition_status(*numbers):
    return wanted(PARTITIONS, counted(mask(numbers)))


def enter(programming, code, write):
    return Message(ENTER, compact(1) + bytes([programming]) + counted(bcd(code)) + bytes([write]))


def leave():
    return Message(LEAVE, compact(1))


def read(what, first, count):
    return Message(what, compact(first) + compact(count))


def write(what, first, *records):
    """Records of one width each, as the panel reads them."""
    return Message(what + WRITE, compact(first) + compact(len(records)) + bytes([len(records[0])]) + b"".join(records))


def write_label(slot, words):
    return Message(LABEL_WRITE, compact(slot) + compact(1) + b"\x03" + counted(itv2.text(words, 28)))


def arm(partition, mode, code):
    return Message(ARM, compact(partition) + bytes([mode]) + bcd(code))


def disarm(partition, code):
    return Message(DISARM, compact(partition) + bcd(code))


def validate(partition, code):
    return Message(ACTIVITY, compact(partition) + b"\x16" + bcd(code))


class Refused(Exception):
    """The panel's or the communicator's answer to a request that it does not carry out."""

    def __init__(self, by, code):
        super().__init__(f"{by:04X} with code {code}")
        self.by, self.code = by, code


class Server:
    """The server's side of one session: it shakes hands by itself, then it is asked to ask."""

    def __init__(self, write, access, seen=None, random=None, **link):
        """`access(identifier, type)` knows the keys; `seen` is told of news."""
        self.link = Link(write, self._deliver, header=b"", opens=False, **link)
        self._access_of, self._random = access, [random] if random else []
        self.seen = seen
        self._app = 0
        self._stage = "open"
        self.inbox = []
        self.failure = None
        self.gone = False
        self.identifier = self.opening = None

    @property
    def connected(self):
        return self._stage == "connected"

    def send(self, message, then=None):
        """Sends a command with the next app sequence, and returns that."""
        self._app = itv2.after(self._app)
        self.link.send(Message(message.command, bytes([self._app]) + message.body), then)
        return self._app

    def _deliver(self, message):
        if self.connected:
            self.inbox += itv2.parts(message)
        else:
            self._shake_hands(message)

    def _shake_hands(self, message):
        reader = Reader(message.body)
        match self._stage, message.command:
            case "open", itv2.OPEN_SESSION:
                self.identifier = self.link.peer_header.decode("ascii")
                self.opening = message.body
                self._access = self._access_of(self.identifier, message.body[14])
                self._accept(reader.u8())
                self.send(Message(OPEN_SESSION, reader.rest()))
                self._stage = "opened"
            case "opened", itv2.RESPONSE:
                self._expect_success(message)
                self._stage = "access"
            case "access", itv2.REQUEST_ACCESS:
                app, initializer = reader.u8(), reader.counted()
                reader.end()
                self.link.tx_key = self._access.open("panel", initializer)
                self._accept(app)
                initializer, key = self._access.make("server", *self._random)
                self.send(Message(REQUEST_ACCESS, counted(initializer)), then=lambda: self._listen(key))
                self._stage = "granted"
            case "granted", itv2.RESPONSE:
                self._expect_success(message)
                self._stage = "connected"
            case stage, _:
                raise Wrong(f"{message} while the session is at '{stage}'")

    def _listen(self, key):
        self.link.rx_key = key

    def _accept(self, app):
        self.link.send(Message(RESPONSE, bytes([app, 0])))

    def _expect_success(self, message):
        if message.body != bytes([self._app, 0]):
            raise Wrong(f"{message}, expected success for app sequence {self._app}")

    async def wait(self, what, fits, start=0):
        """The first message from `start` on that fits."""
        def found():
            if self.failure:
                raise Failed(f"{self.failure}\n" + "\n".join(self.link.trace))
            return next((m for m in self.inbox[start:] if fits(m)), None)

        try:
            await self.seen.quietly(what, lambda: found() is not None)
        except Failed as failure:
            raise Failed(f"{failure}\n" + "\n".join(self.link.trace)) from None
        return found()

    async def ask(self, message, fits=lambda m: True):
        """Sends a request; returns what it asked for, or `None` if nothing was to be returned."""
        answer = message.command | 0x4000
        if message.command == REQUEST:
            answer = int.from_bytes(message.body[:2], "big")
        elif message.command not in (CODES, ATTRIBUTES, ASSIGNED, CONFIGURED):
            answer = None
        start = len(self.inbox)
        response = bytes([self.send(message)])

        def answers(m):
            if m.command == RESPONSE and m.body[:1] == response:
                return answer is None or m.body[1] != 0
            return m.command == answer and fits(m) or m.command == ERROR and m.body[:2] == u16(message.command)

        got = await self.wait(f"an answer to {message}", answers, start)
        if got.command == RESPONSE and got.body[1] != 0 or got.command == ERROR:
            raise Refused(got.command, got.body[-1])
        return None if answer is None else Reader(got.body)

    async def ask_in_vain(self, message, by, *codes):
        """Asks what has to be refused, with one of the codes if any are given; `by` is `None` if both may refuse."""
        try:
            await self.ask(message)
        except Refused as refused:
            if by in (None, refused.by) and (not codes or refused.code in codes):
                return
            raise Failed(f"{message} was refused with {refused}, expected {codes} by {by}") from None
        raise Failed(f"{message} was not refused")

    async def quiet(self, seconds=2):
        """Waits until the panel has replayed what it had to tell: until it says nothing for so long."""
        known = -1
        while known != len(self.inbox):
            known = len(self.inbox)
            await asyncio.sleep(seconds)

    async def close(self):
        self.link.send(Message(itv2.END_SESSION, b""))
        await self.seen.quietly("the panel hangs up after the end of the session", lambda: self.gone)


class Listener:
    """Waits for panels that dial."""

    def __init__(self, access, seen):
        self._access, self._seen = access, seen
        self._sessions = asyncio.Queue()

    @classmethod
    async def open(cls, access, seen):
        listener = cls(access, seen)
        listener._server = await asyncio.start_server(listener._talk, "127.0.0.1", 0)
        listener.port = listener._server.sockets[0].getsockname()[1]
        return listener

    async def session(self):
        """The next panel that dials, once it is connected."""
        server = await asyncio.wait_for(self._sessions.get(), PATIENCE)
        def ready():
            if server.failure:
                raise Failed(f"{server.failure}\n" + "\n".join(server.link.trace))
            return server.connected

        await self._seen.quietly("the handshake", ready)
        return server

    async def _talk(self, reader, writer):
        server = Server(writer.write, self._access, self._seen)
        self._sessions.put_nowait(server)
        try:
            while chunk := await reader.read(4096):
                server.link.feed(chunk)
                self._seen.news()
        except Exception as wrong:  # shown by whoever waits
            server.failure = f"{type(wrong).__name__}: {wrong}"
        finally:
            server.gone = True
            writer.close()
            self._seen.news()

    def close(self):
        self._server.close()
