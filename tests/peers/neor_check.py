"""Our ITv2 against the worked examples of the protocol's description, before it is let loose on anything else."""

import collections
import datetime
import os

import neor_itv2 as itv2
import neor_server as server
from neor_communicator import Session, access
from neor_itv2 import Message, Reader, Type1, Type2, Wrong, bcd, compact, counted, frame, mask, u16
from neor_link import Link, Sequence
from neor_memory import User
from neor_panel import Panel

HERE = os.path.dirname(os.path.abspath(__file__))


def same(what, got, expected):
    if isinstance(expected, str) and isinstance(got, bytes):
        expected = bytes.fromhex(expected)
    if got != expected:
        show = lambda value: value.hex(" ") if isinstance(value, bytes) else repr(value)
        raise SystemExit(f"FAILED: {what}\n   got      {show(got)}\n   expected {show(expected)}")


def wrong(what, call, kind=Wrong):
    try:
        got = call()
    except kind:
        return
    raise SystemExit(f"FAILED: {what} is taken, as {got!r}")


def framing():
    same("stuffing", itv2.pack(b"\x01\x02\x7e\x03", b"\x7d\x7f\x04"), "01 02 7D 01 03 7E 7D 00 7D 02 04 7F")
    same("unstuffing", itv2.unpack(bytes.fromhex("01 02 7D 01 03 7E 7D 00 7D 02 04")),
         (b"\x01\x02\x7e\x03", b"\x7d\x7f\x04"))
    for raw in "7D", "7D 03", "41 7D 7D", "7F":
        wrong(f"payload {raw}", lambda: itv2.unstuff(bytes.fromhex(raw)))
    wrong("a packet without 7E", lambda: itv2.unpack(b"310212345678"))
    same("a panel's SimpleAck", itv2.pack(b"310212345678", frame(b"\0\1")),
         "33 31 30 32 31 32 33 34 35 36 37 38 7E 04 00 01 00 7D 00 7F")
    same("a server's SimpleAck", itv2.pack(b"", frame(b"\2\1")), "7E 04 02 01 66 1F 7F")
    same("CRC", itv2.crc16(b"123456789"), 0x29B1)
    for data, framed in (
        ("00 01", "04 00 01 00 7D"), ("02 01", "04 02 01 66 1F"),
        ("01 00 05 02 91 00", "08 01 00 05 02 91 00 DE 3C"), ("05 00 06 00", "06 05 00 06 00 CA 6A"),
    ):
        same(f"frame of {data}", frame(bytes.fromhex(data)), framed)
        same(f"data of {framed}", itv2.unframe(bytes.fromhex(framed), padded=False), data)
        same("data before padding", itv2.unframe(bytes.fromhex(framed) + b"\x5a" * 9, padded=True), data)
        wrong("bytes behind a plain frame", lambda: itv2.unframe(bytes.fromhex(framed) + b"\0", padded=False))
        wrong("a flipped bit", lambda: itv2.unframe(bytes.fromhex(framed)[:-1] + b"\xff", padded=False))
        wrong("a cut frame", lambda: itv2.unframe(bytes.fromhex(framed)[:-1], padded=False))
    for size, start in (125, "7F"), (126, "80 80"), (300, "81 2E"):
        framed = frame(bytes(size))
        same(f"length of {size}", framed[:len(bytes.fromhex(start))], start)
        same(f"data of {size}", itv2.unframe(framed, padded=False), bytes(size))


def fields():
    for value, raw in (5, "01 05"), (300, "02 01 2C"), (0, "01 00"), (None, "00"):
        same(f"compact {value}", compact(value), raw)
        same(f"compact {raw}", Reader(bytes.fromhex(raw)).compact(), value)
    same("a wide compact", (compact(240, width=2), Reader(b"\x02\x00\xf0").compact()), (b"\x02\x00\xf0", 240))
    same("mask of 1 and 3", counted(mask([1, 3])), "01 05")
    same("numbers of a mask", itv2.unmask(b"\x05\x80"), [1, 3, 16])
    same("BCD", (bcd("1234"), bcd("AAAA"), counted(bcd("123456"))), (b"\x12\x34", b"\xaa\xaa", b"\x03\x12\x34\x56"))
    same("time", itv2.date_time(datetime.datetime(2026, 9, 3, 14, 5, 30)), "70 AF 35 23")
    same("the earliest time", itv2.date_time(datetime.datetime(2000, 1, 1)), "00 00 00 21")


def keys():
    """A capture of a real panel, and frames of an independent implementation."""
    initializer = bytes.fromhex(
        "BFC3542CEBFBB78A4A575A9B08E7E8E4 2DA4430F0EE372E34C2C1373CBEE86F75CAE5C024E3DCBC080C467FFD130CAA9")
    real = Type1("240422314012", "12345678")
    same("key of a captured initializer", real.open("panel", initializer), "2C67BCD64EF25F975CF980CDAA5B0724")
    request = b"\x02\x02" + u16(itv2.REQUEST_ACCESS) + b"\x15" + counted(initializer)
    # Its sequence numbers are not known; those that fit its CRC are.
    fitting = [(s, r) for s in range(8) for r in range(8) if frame(bytes([s, r]) + request[2:])[-2:] == b"\x7f\x4b"]
    same("one pair of sequence numbers fits the captured CRC", len(fitting), 1)
    wrong("a captured initializer with another identifier",
          lambda: Type1("240422324012", "12345678").open("panel", initializer), itv2.BadInitializer)
    wrong("a short initializer", lambda: real.open("panel", initializer[:-1]), itv2.BadInitializer)
    key = Type2("000102030405060708090A0B0C0D0E0F").open("panel", bytes.fromhex("05101B26313C47525D68737E89949FAA"))
    for cipher, data in (
        ("ECEF00855A2DED2A17C23A858E4BBE2D", "02 04 05 02 02 00"), ("C2FECB85A95EB2512FF2F0F732C0E6F2", "03 06"),
    ):
        same("another's frame", itv2.unframe(itv2.decrypt(key, bytes.fromhex(cipher)), padded=True), data)
    for made in Type1("310212345678", "12345678"), Type2("12345678" * 4):
        for side in "panel", "server":
            initializer, key = made.make(side)
            same("a key of our own", made.open(side, initializer), key)


def order():
    def sequence():
        numbers = Sequence(opens=False)
        numbers.take(0, 0, is_ack=False)
        return numbers

    opener = Sequence(opens=True)
    same("the very first message", opener.message(), "00 00")
    same("a response", opener.take(1, 0, is_ack=False), True)
    same("its acknowledgement", opener.present(), "00 01")
    numbers = sequence()
    for expected in [*range(1, 256), 1, 2]:
        same("own numbers go from 255 to 1", numbers.message()[0], expected)
    for sender in [*range(1, 256), 1, 2]:
        same("a new message", numbers.take(sender, 2, is_ack=False), True)
        same("the same again", numbers.take(sender, 2, is_ack=False), False)
    for what, sender, receiver, is_ack in (
        ("a gap", 2, 0, False), ("a reset", 0, 1, False), ("an unknown acknowledgement", 1, 1, False),
        ("a SimpleAck with the next number", 1, 0, True),
    ):
        wrong(what, lambda: sequence().take(sender, receiver, is_ack))

    sent = []
    link = Link(sent.append, lambda message: None, header=b"", opens=False)
    poll = lambda number: itv2.pack(b"310212345678", frame(bytes([number, 0]) + u16(itv2.POLL)))
    link.feed(poll(0)[:5])
    same("half a packet is waited for", sent, [])
    link.feed(poll(0)[5:])
    same("a whole one is acknowledged", sent, [bytes.fromhex("7E 04 00 00 10 5C 7F")])
    wrong("two messages at once", lambda: link.feed(poll(1) + poll(2)))
    link = Link(sent.append, lambda message: None, header=b"", opens=False)
    link.feed(poll(0))
    wrong("another header", lambda: link.feed(poll(1).replace(b"310", b"311")))


def sessions():
    """Both of our sides, fed with the description's random numbers, say what it says."""
    described = {number: read_session(number) for number in (1, 2)}
    for number, (values, steps) in described.items():
        wire = talk(number, *values)
        same("messages", len(wire), 20)
        for step, (side, packet) in enumerate(wire, 1):
            what = f"type {number}, message {step}"
            # The description shows the frames before the cipher begins only once, where they do not differ.
            expected = steps.get(step) or described[1][1][step]
            same(f"{what}: side", side, expected["side"])
            header, payload = itv2.unpack(packet.removesuffix(b"\x7f"))
            same(f"{what}: header", header, b"310212345678" if side == "P" else b"")
            same(what, payload, expected.get("cipher") or expected["frame"])
            if "stuffed" in expected:
                same(f"{what}: stuffed", packet.split(b"\x7e", 1)[1], expected["stuffed"] + "7f")


def read_session(number):
    """The random numbers of panel and server, and what is said, by its number."""
    with open(os.path.join(HERE, "neor_sessions.txt"), encoding="ascii") as file:
        lines = file.read().split(f"TYPE {number}\n")[1].split("TYPE")[0].splitlines()
    value = lambda start: bytes.fromhex(next(line[45:] for line in lines if line.startswith(start)))
    names = ("panel random R", "server random R") if number == 1 else ("panel initializer", "server initializer")
    steps, step = {}, None
    for line in lines:
        words = line.split()
        if words and words[0].isdigit():
            step = steps[int(words[0])] = {"side": words[1]}
        elif step is not None and words:
            step[words[0]] = "".join(words[1:])
    return [value(name) for name in names], steps


def talk(number, panel_random, server_random):
    """A whole session in memory, with the padding of the description."""
    record, line, clock = [], collections.deque(), []

    def writer(side):
        def write(packet):
            record.append((side, packet))
            line.append((side, packet))
        return write

    def settle():
        while line:
            side, packet = line.popleft()
            (theirs if side == "P" else ours).link.feed(packet)

    options = {"padding": bytes}
    theirs = server.Server(writer("S"), access, random=lambda _: server_random, **options)
    panel = Panel(None, None, None, limits=(128, 95, 8, 32, 95, 148))
    ours = Session(writer("P"), "310212345678", access("310212345678", number), panel,
                   lambda _, call: clock.append(call), lambda: None, random=lambda _: panel_random, **options)
    ours.start()
    settle()
    ours.link.send(Message(0x0210, compact(5) + b"\x01"))
    settle()
    theirs.link.send(Message(itv2.POLL, b""))
    settle()
    theirs.send(server.wanted(server.CAPABILITIES))
    settle()
    clock.pop()()
    settle()
    same("the server saw the zone and the capabilities", [m.command for m in theirs.inbox], [0x0210, 0x0613])
    return record


REQUESTS = [
    ("08 00 03 06 13", server.wanted(server.CAPABILITIES)),
    ("08 00 1E 02 36", server.wanted(server.CODE_LENGTH)),
    ("08 00 1D 07 71 01 D9 01 01 01 02", server.labels(server.USER_LABELS, 1, 2)),
    ("08 00 1F 08 11 01 01 01 08", server.zone_status(1, 8)),
    ("08 00 20 08 12 01 05", server.partition_status(1, 3)),
    ("08 00 21 07 70 01 01", server.wanted(server.ASSIGNMENT, compact(1))),
    ("08 00 22 07 72", server.wanted(server.IN_USE)),
    ("07 04 10 01 01 00 02 55 55 00", server.enter(0, "5555", write=False)),
    ("07 04 11 01 01 01 02 12 34 01", server.enter(1, "1234", write=True)),
    ("07 04 12 01 01 01 03 12 34 56 00", server.enter(1, "123456", write=False)),
    ("07 01 13 01 01", server.leave()),
    ("07 36 14 01 01 01 04", server.read(server.CODES, 1, 4)),
    ("07 46 15 01 02 01 01 02 25 80", server.write(server.CODES, 2, bcd("2580"))),
    ("07 46 16 01 02 01 01 02 AA AA", server.write(server.CODES, 2, bcd("AAAA"))),
    ("07 37 17 01 01 01 04", server.read(server.ATTRIBUTES, 1, 4)),
    ("07 47 18 01 02 01 01 01 4C", server.write(server.ATTRIBUTES, 2, b"\x4c")),
    ("07 38 19 01 01 01 04", server.read(server.ASSIGNED, 1, 4)),
    ("07 48 1A 01 02 01 01 01 05", server.write(server.ASSIGNED, 2, mask([1, 3]))),
    ("07 3C 1B 01 01 01 04", server.read(server.CONFIGURED, 1, 4)),
    ("07 50 1C 01 02 01 01 03 1C 0041 006C 0069 0063 0065" + " 0020" * 9, server.write_label(2, "Alice")),
    ("09 00 27 01 01 02 12 34", server.arm(1, server.AWAY, "1234")),
    ("09 00 29 00 02 12 34", server.arm(None, server.AWAY, "1234")),
    ("09 01 28 01 01 12 34", server.disarm(1, "1234")),
    ("09 12 2A 01 01 16 25 80", server.validate(1, "2580")),
]


def messages():
    for raw, message in REQUESTS:
        raw = bytes.fromhex(raw)
        same(f"request {message}", u16(message.command) + raw[2:3] + message.body, raw)
    packet = itv2.together(Message(0x0502, b"\x1f\x00"), Message(0x0811, bytes.fromhex("01 01 01 01 01 01")))
    same("several in one", u16(packet.command) + packet.body, "06 23 04 05 02 1F 00 08 08 11 01 01 01 01 01 01")
    same("taken apart", [m.command for m in itv2.parts(packet)], [0x0502, 0x0811])
    eight = b"".join(itv2.text(f"User {slot}", 28) for slot in range(1, 9))
    framed = frame(bytes.fromhex("09 09 07 71 01 D9 01 01 01 08") + compact(28) + eight)
    same("eight labels", (len(framed), framed[:12], framed[-2:]),
         (240, bytes.fromhex("80 EE 09 09 07 71 01 D9 01 01 01 08"), b"\x4b\xef"))
    same("and back", Reader(compact(28) + eight).texts(8)[7], "User 8")


def panel():
    """What our panel answers, and what it tells by itself."""
    told, clock = [], []
    panel = Panel(lambda _, call: clock.append(call), lambda event, **fields: None, told.append, zones=16, partitions=3)
    panel.users.update({2: User("2580", 0x0C, [1, 3], "Alice"), 3: User(partitions=[1]), 4: User(partitions=[1])})
    panel.users[1].partitions = list(range(1, 9))
    panel.zones.update({2: 0x01, 5: 0x80, 8: 0x60})

    def asked(raw):
        raw = bytes.fromhex(raw)
        [answer] = panel.answer(Message(int.from_bytes(raw[:2], "big"), raw[2:]))
        return u16(answer.command) + answer.body

    same("no reading outside programming", asked("07 36 14 01 01 01 04"), "05 02 14 10")
    same("a wrong code", asked("07 04 11 01 01 01 02 43 21 01"), "05 02 11 11")
    same("the master code", asked("07 04 11 01 01 01 02 12 34 01"), "05 02 11 00")
    same("not before the lead-in", asked("07 36 14 01 01 01 04"), "05 02 14 10")
    clock.pop()()
    same("lead-in", (told[-1].command, told[-1].body[:-4]), (0x0702, bytes.fromhex("01 01 00 01 00 00 01")))
    for question, answer in (
        ("07 36 14 01 01 01 04", "47 36 01 01 01 04 02 12 34 25 80 AA AA AA AA"),
        ("07 37 17 01 01 01 04", "47 37 01 01 01 04 01 0D 0C 00 00"),
        ("07 38 19 01 01 01 04", "47 38 01 01 01 04 01 FF 05 01 01"),
        ("07 3C 1B 01 01 01 04", "47 3C 01 01 01 04 01 01 01 00 00"),
        ("07 46 15 01 05 01 01 02 25 80", "05 02 15 11"),
        ("07 46 15 01 05 01 01 02 97 53", "05 02 15 00"),
        ("07 47 18 01 05 01 01 01 4C", "05 02 18 00"),
        ("07 46 15 01 05 01 01 02 AA AA", "05 02 15 00"),
        ("07 37 17 01 05 01 01", "47 37 01 05 01 01 01 00"),
        ("07 01 13 01 01", "05 02 13 00"),
        ("08 00 1E 02 36", "02 36 04"),
        ("08 00 22 07 72", "07 72 01 07"),
        ("08 00 21 07 70 01 01", "07 70 01 01 FF 00"),
        ("08 00 1F 08 11 01 01 01 08", "08 11 01 01 01 08 01 00 01 00 00 80 00 00 60"),
        ("08 00 1F 08 11 01 01 01 08 00", "08 11 01 01 01 08 01 00 01 00 00 80 00 00 60"),
        ("08 00 20 08 12 01 06", "08 12 01 06 03 02 00 00 02 00 00"),
        ("08 00 1D 07 71 01 D9 01 01 01 02", "07 71 01 D9 01 01 01 02 01 1C"
         + itv2.text("Master", 28).hex() + itv2.text("Alice", 28).hex()),
        ("09 00 27 01 02 02 12 34", "05 02 27 00"),
        ("09 55 01", "05 01 09 55 02"),
        ("09 00 01", "05 01 09 00 01"),
    ):
        same(f"answer to {question}", asked(question), answer)
    panel.exit_seconds = 120
    panel.arm(1, 2, 2)
    same("exit delay", told[-1], Message(0x0230, bytes.fromhex("01 01 81 02 00 78")))
    clock.pop()()
    same("armed away by user 2", told[-1], Message(0x0232, bytes.fromhex("01 01 02 01 01 02")))
    panel.edit(2, "1357")
    same("a code changed at the keypad", told[-1], Message(0x0250, bytes.fromhex("01 01 01 01 02 01 02")))


for part in framing, fields, keys, order, sessions, messages, panel:
    part()
    print(f"ok: {part.__name__}")
