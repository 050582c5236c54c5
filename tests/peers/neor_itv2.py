"""ITv2, the integration protocol of DSC PowerSeries Neo: bytes, keys and fields.

Written from the protocol's description alone, so that it shares no mistake with the daemon. What belongs together
in a session stands in neor_link.py.
"""

import os
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ERROR, RESPONSE = 0x0501, 0x0502
POLL, OPEN_SESSION, END_SESSION, REQUEST_ACCESS, MULTIPLE = 0x0600, 0x060A, 0x060B, 0x060E, 0x0623
REQUEST = 0x0800  # asks for one of the status messages


class Wrong(Exception):
    """The other side broke a rule."""


class Short(Wrong):
    """A message ended before its last field."""


class BadInitializer(Wrong):
    """An initializer that was not made with our keys."""


# TLink: stuffed header, 7E, stuffed payload, 7F

ESCAPES = {0x7D: b"\x7d\x00", 0x7E: b"\x7d\x01", 0x7F: b"\x7d\x02"}
ESCAPED = {escape[1]: byte for byte, escape in ESCAPES.items()}


def stuff(data):
    return b"".join(ESCAPES.get(byte, bytes([byte])) for byte in data)


def unstuff(data):
    out = bytearray()
    rest = iter(data)
    for byte in rest:
        if byte in (0x7E, 0x7F):
            raise Wrong(f"a bare {byte:02X} inside a packet")
        if byte == 0x7D:
            byte = ESCAPED.get(next(rest, None))
            if byte is None:
                raise Wrong("7D is not followed by 00, 01 or 02")
        out.append(byte)
    return bytes(out)


def pack(header, payload):
    return stuff(header) + b"\x7e" + stuff(payload) + b"\x7f"


def unpack(packet):
    """Header and payload of a packet without its closing 7F."""
    header, mark, payload = packet.partition(b"\x7e")
    if not mark:
        raise Wrong(f"a packet without the end of its header: {packet.hex(' ')}")
    return unstuff(header), unstuff(payload)


# The frame: length, data, CRC


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def length(value):
    """One byte up to 7F, else two with the top bit set."""
    return bytes([value]) if value <= 0x7F else (value | 0x8000).to_bytes(2, "big")


def frame(data):
    counted = length(len(data) + 2) + data
    return counted + crc16(counted).to_bytes(2, "big")


def unframe(payload, padded):
    """The data of a frame; `padded` if a cipher's padding may follow it."""
    reader = Reader(payload)
    data_length = reader.length() - 2
    start = len(payload) - reader.left
    if data_length < 2:
        raise Wrong(f"a frame without sequence numbers: {payload.hex(' ')}")
    data = reader.take(data_length)
    if reader.u16() != crc16(payload[:start + data_length]):
        raise Wrong(f"wrong CRC: {payload.hex(' ')}")
    if reader.left > (15 if padded else 0):
        raise Wrong(f"bytes behind the frame: {payload.hex(' ')}")
    return data


# Ciphers and keys


def encrypt(key, data):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def decrypt(key, data):
    if not data or len(data) % 16:
        raise Wrong(f"{len(data)} bytes are no whole number of cipher blocks")
    return Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(data)


class Type1:
    """Keys wrapped with the integration identifier towards the panel, with the access code [423] towards the server."""

    number = 1

    def __init__(self, identifier, code):
        self._wrapping = {"panel": bytes.fromhex(identifier[:8]) * 4, "server": bytes.fromhex(code[:8]) * 4}

    def make(self, side, random=os.urandom):
        """That side's initializer, and the key of what is sent to it."""
        both = random(32)
        return both[0::2] + encrypt(self._wrapping[side], both), both[1::2]

    def open(self, side, initializer):
        """The key of what is sent to the side that made the initializer."""
        if len(initializer) != 48:
            raise BadInitializer(f"an initializer of {len(initializer)} bytes")
        both = decrypt(self._wrapping[side], initializer[16:])
        if both[0::2] != initializer[:16]:
            raise BadInitializer(f"the {side}'s initializer was made with another identifier or code")
        return both[1::2]


class Type2:
    """Keys made from the 32 digits of [700], the same for both directions."""

    number = 2

    def __init__(self, digits):
        self._code = bytes.fromhex(digits)

    def make(self, side, random=os.urandom):
        initializer = random(16)
        return initializer, self.open(side, initializer)

    def open(self, _side, initializer):
        if len(initializer) != 16:
            raise BadInitializer(f"an initializer of {len(initializer)} bytes")
        return encrypt(self._code, initializer)


# Fields


def u16(value):
    return value.to_bytes(2, "big")


def compact(value, width=None):
    """A number behind its length; `None` has length 0. Panels sometimes send more bytes than needed: `width`."""
    if value is None:
        return b"\x00"
    width = width or max(1, (value.bit_length() + 7) // 8)
    return bytes([width]) + value.to_bytes(width, "big")


def counted(data):
    return bytes([len(data)]) + data


def bcd(digits):
    """Two digits a byte; `A` is a blank one."""
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def unbcd(data):
    return data.hex().upper()


def mask(numbers, width=1):
    """Bits counted from 1, the lowest first."""
    bits = sum(1 << number - 1 for number in numbers)
    return bits.to_bytes(max(width, (bits.bit_length() + 7) // 8), "little")


def unmask(data):
    bits = int.from_bytes(data, "little")
    return [number + 1 for number in range(bits.bit_length()) if bits >> number & 1]


def text(words, width):
    """UTF-16, padded with blanks to `width` bytes."""
    return words.ljust(width // 2).encode("utf-16-be")


def untext(data):
    return data.decode("utf-16-be").rstrip(" \0")


def date_time(when):
    packed = when.hour << 27 | when.minute << 21 | when.second << 15
    return (packed | when.year - 2000 << 9 | when.month << 5 | when.day).to_bytes(4, "big")


class Reader:
    """Takes the fields of a message one by one."""

    def __init__(self, data):
        self._data, self._at = data, 0

    @property
    def left(self):
        return len(self._data) - self._at

    def take(self, count):
        if count > self.left:
            raise Short(f"{count} bytes wanted at {self._at} of {self._data.hex(' ')}")
        self._at += count
        return self._data[self._at - count:self._at]

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return int.from_bytes(self.take(2), "big")

    def length(self):
        first = self.u8()
        return first if first <= 0x7F else (first & 0x7F) << 8 | self.u8()

    def counted(self):
        return self.take(self.u8())

    def compact(self):
        data = self.counted()
        return int.from_bytes(data, "big") if data else None

    def rest(self):
        return self.take(self.left)

    def records(self, count):
        """A width and `count` records of it."""
        width = self.u8()
        return [self.take(width) for _ in range(count)]

    def texts(self, count):
        width = self.compact()
        return [untext(self.take(width)) for _ in range(count)]

    def end(self):
        if self.left:
            raise Wrong(f"bytes behind the last field: {self._data.hex(' ')}")


class Message(NamedTuple):
    command: int
    body: bytes

    def __str__(self):
        words = f"{self.command:04X} {self.body.hex(' ')}".rstrip()
        return words if len(words) <= 120 else f"{words[:120]} … ({len(self.body)} bytes)"


def parts(message):
    """The messages inside a MultipleMessagePacket, or the message itself."""
    if message.command != MULTIPLE:
        return [message]
    reader, inside = Reader(message.body), []
    while reader.left:
        part = Reader(reader.take(reader.length()))
        inside.append(Message(part.u16(), part.rest()))
    return inside


def together(*messages):
    """One MultipleMessagePacket of several messages."""
    return Message(MULTIPLE, b"".join(length(len(m.body) + 2) + u16(m.command) + m.body for m in messages))


def after(number):
    """The next sequence number: 0 is for the first message of a conversation and nothing else."""
    return number % 255 + 1
