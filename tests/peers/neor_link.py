"""The order of messages on ITv2: who may say what when, and who has heard what.

It keeps to the vendor's own rules by the letter, and does not forgive the other side what real panels forgive.
"""

import collections
import os

from neor_itv2 import Message, Reader, Wrong, after, decrypt, encrypt, frame, pack, u16, unframe, unpack

LONGEST_PACKET = 4096


class Sequence:
    """The two sequence numbers of a session as one side sees them."""

    def __init__(self, opens):
        self._own = None if opens else 0
        self._before = 0
        self._peer = None
        self._expected = 1 if opens else 0
        self.waiting = False  # for the other side to acknowledge our last message

    def message(self):
        """Numbers of our next message."""
        self._before, self._own = self._own or 0, 0 if self._own is None else after(self._own)
        self.waiting = True
        return self.present()

    def present(self):
        """Numbers of a SimpleAck, or of our last message when it is sent again."""
        return bytes([self._own or 0, self._peer or 0])

    def take(self, sender, receiver, is_ack):
        """Checks the other side's numbers; false if this is no new message."""
        if receiver not in (self._own, self._before):
            raise Wrong(f"acknowledges {receiver}, but our last messages are {self._before} and {self._own}")
        if receiver == self._own:
            self.waiting = False
        if is_ack:
            if sender != (self._peer or 0):
                raise Wrong(f"a SimpleAck numbered {sender} after message {self._peer}")
            return False
        if sender == self._peer:
            return False  # sent again
        if sender != self._expected:
            raise Wrong(f"message {sender} where {self._expected} is next")
        self._peer, self._expected = sender, after(sender)
        return True


class Link:
    """One side of a session between the bytes of the line and whole messages.

    Acknowledges what it delivers, sends one message at a time, and raises `Wrong` when the other side breaks a rule.
    `headers` are those that the other side may use; it has to stay with the first. `None`: any.
    """

    def __init__(self, write, deliver, *, header, opens, headers=None, padding=os.urandom):
        self._write, self._deliver = write, deliver
        self._header, self._headers, self._padding = header, headers, padding
        self._sequence = Sequence(opens)
        self._queue = collections.deque()
        self._rest = b""
        self._owes_ack = False
        self._last = None
        self.tx_key = self.rx_key = None
        self.peer_header = None
        self.trace = collections.deque(maxlen=40)

    def send(self, message, then=None):
        """Sends it as soon as what went before is acknowledged; `then` is called right after that."""
        self._queue.append((message, then))
        self._flush()

    def repeat(self):
        """Sends the last message once more, as after a lost acknowledgement."""
        self._sequence.waiting = True
        self._put(self._sequence.present() + u16(self._last.command) + self._last.body, f"{self._last} (again)")

    @property
    def unsent(self):
        return [message for message, _ in self._queue]

    @property
    def idle(self):
        return not self._queue and not self._sequence.waiting

    def feed(self, chunk):
        *packets, self._rest = (self._rest + chunk).split(b"\x7f")
        if len(self._rest) > LONGEST_PACKET:
            raise Wrong("a packet without end")
        # All of the chunk was sent before the other side could see an answer to any of it.
        if sum([self._take(packet) for packet in packets]) > 1:
            raise Wrong("a second message before the first was acknowledged")

    def _take(self, packet):
        header, payload = unpack(packet)
        self._check_header(header)
        data = unframe(decrypt(self.rx_key, payload) if self.rx_key else payload, padded=bool(self.rx_key))
        reader = Reader(data)
        sender, receiver = reader.u8(), reader.u8()
        is_ack = not reader.left
        message = None if is_ack else Message(reader.u16(), reader.rest())
        self.trace.append(f"in  {sender:3},{receiver:<3} {'SimpleAck' if is_ack else message}")
        fresh = self._sequence.take(sender, receiver, is_ack)
        self._owes_ack |= not is_ack
        if fresh:
            self._deliver(message)
        self._flush()
        return fresh

    def _check_header(self, header):
        if self._headers is not None and header not in self._headers:
            raise Wrong(f"header {header!r}, expected one of {self._headers}")
        if self.peer_header not in (None, header):
            raise Wrong(f"the header changed from {self.peer_header!r} to {header!r}")
        self.peer_header = header

    def _flush(self):
        if self._queue and not self._sequence.waiting:
            message, then = self._queue.popleft()
            self._last = message
            self._owes_ack = False
            self._put(self._sequence.message() + u16(message.command) + message.body, message)
            if then:
                then()
        elif self._owes_ack:
            self._owes_ack = False
            self._put(self._sequence.present(), "SimpleAck")

    def _put(self, data, what):
        self.trace.append(f"out {data[0]:3},{data[1]:<3} {what}")
        payload = frame(data)
        if self.tx_key:
            payload = encrypt(self.tx_key, payload + self._padding(-len(payload) % 16))
        self._write(pack(self._header, payload))
