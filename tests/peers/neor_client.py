"""A server of ours against a simulated Neo panel that dials it: once with encryption type 2, once with type 1.

    neor_client.py COMMAND…    the panel: `panelgate simulate neor` or `python neor_communicator.py`, to which options
                               are added
"""

import sys

import neor_itv2 as itv2
from neor_itv2 import ERROR, RESPONSE, Message, Reader, Type1, Type2, bcd, compact, unbcd, unmask
from neor_server import (
    ACCESS_CODES, ARM, ASSIGNED, ASSIGNMENT, ATTRIBUTES, AWAY, BUSY, CAPABILITIES, CODE_LENGTH, CODES, CONFIGURED,
    IN_USE, LEAD, PARTITION_LABELS, STAY, UNAVAILABLE, USER_LABELS, WRONG_CODE, WRONG_MODE, ZONE_LABELS, Listener, arm,
    disarm, enter, labels, leave, partition_status, read, wanted, write, write_label, zone_status,
)
from simulator import Failed, Sightings, Simulator, main

# The factory's codes, and all that the simulated panel has to be told.
MASTER, CODE_TYPE1, CODE_TYPE2 = "1234", "12345678", "12345678" * 4
OPTIONS = ["--users", "60", "--partitions", "2", "--zones", "16", "--seed", "3", "--set", "exit_seconds=2"]
ENCRYPTION = "encryption={}"  # for `--set`
USERS = 95  # slots of the default model

ZONE, EXIT_DELAY, ARMED = 0x0210, 0x0230, 0x0232
EMPTY = "AAAA"
# Refused by the panel or already by its communicator: the description has an example of each.
WRONG_MODE_ANSWER = (None, WRONG_MODE)


def ok(what):
    print(f"ok: {what}", flush=True)


def same(what, got, expected):
    if got != expected:
        raise Failed(f"{what}: {got!r}, expected {expected!r}")


def access(identifier, number):
    return {1: Type1(identifier, CODE_TYPE1), 2: Type2(CODE_TYPE2)}[number]


async def look_around(server):
    """Everything that is read without a code."""
    reader = await server.ask(wanted(CAPABILITIES))
    zones, users, partitions = reader.compact(), reader.compact(), reader.compact()
    fobs, tags, outputs = reader.compact(), reader.compact(), reader.compact()
    reader.end()
    same("users", users, USERS)
    ok(f"capabilities: {zones} zones, {users} users, {partitions} partitions, {fobs} fobs, {tags} tags, "
       f"{outputs} outputs")
    same("code length", (await server.ask(wanted(CODE_LENGTH))).u8(), 4)
    same("partitions in use", unmask((await server.ask(wanted(IN_USE))).counted()), [1, 2])

    reader = await server.ask(wanted(ASSIGNMENT, compact(0)))
    same("partition asked for", reader.compact(), 0)
    everywhere = unmask(reader.rest())
    assigned = {}
    for partition in 1, 2:
        reader = await server.ask(wanted(ASSIGNMENT, compact(partition)))
        same("partition asked for", reader.compact(), partition)
        assigned[partition] = unmask(reader.rest())
    same("zones of all partitions", everywhere, sorted(set(assigned[1] + assigned[2])))
    ok(f"zones by partition: {assigned}")

    same("zones that are open", [zone for zone, bits in (await zones_of(server)).items() if bits & 1], [])
    for partition, (first, second, _) in (await partitions_of(server, 1, 2)).items():
        same(f"partition {partition} is disarmed and ready", (first & 0x03, second & 0x01), (0x02, 0))
    ok("status of zones and partitions")

    for option, last in (PARTITION_LABELS, 2), (ZONE_LABELS, 16), (USER_LABELS, users):
        names = await labels_of(server, option, last)
        ok(f"{len(names)} labels: {names[0]!r} … {names[-1]!r}")
    return users


async def zones_of(server, first=1, count=16):
    request = zone_status(first, count)
    reader = await server.ask(request, lambda m: m.body.startswith(request.body[2:]))
    same("zones asked for", (reader.compact(), reader.compact()), (first, count))
    states = reader.records(count)
    reader.end()
    return {first + i: state[0] for i, state in enumerate(states)}


async def partitions_of(server, *numbers):
    request = partition_status(*numbers)
    reader = await server.ask(request, lambda m: m.body.startswith(request.body[2:]))
    same("partitions asked for", unmask(reader.counted()), list(numbers))
    states = reader.records(len(numbers))
    reader.end()
    return dict(zip(numbers, (state.ljust(3, b"\0") for state in states)))


async def labels_of(server, option, last):
    names = []
    for first in range(1, last + 1, 8):
        end = min(first + 7, last)
        reader = await server.ask(labels(option, first, end), lambda m: m.body[:2] == compact(option))
        same("labels asked for", (reader.compact(), reader.compact(), reader.compact()), (option, first, end))
        names += reader.texts(end - first + 1)
        reader.end()
    return names


async def watch_a_zone(server, simulator):
    for word, state in ("open", 1), ("close", 0):
        start = len(server.inbox)
        await simulator.poke(f"{word} 3")
        told = compact(3) + bytes([state])
        await server.wait(f"zone 3: {word}", lambda m: m.command == ZONE and m.body == told, start)
        same("zone 3", (await zones_of(server))[3] & 1, state)
        first = (await partitions_of(server, 1))[1][0]
        same("partition 1 is ready", bool(first & 0x02), not state)
    ok("a zone opened and closed")


def flags(message):
    """The byte behind the partition: flags of a delay, mode of an arming."""
    reader = Reader(message.body)
    reader.compact()
    return reader.u8()


async def arm_and_disarm(server):
    for mode, bits in (AWAY, 0x05), (STAY, 0x03):
        start = len(server.inbox)
        await server.ask(arm(1, mode, MASTER))
        await server.wait("exit delay", lambda m: m.command == EXIT_DELAY and flags(m) & 0x80, start)
        armed = await server.wait("armed", lambda m: m.command == ARMED and flags(m) != 0, start)
        same("armed by user 1's code", armed.body, compact(1) + bytes([mode, 1]) + compact(1))
        same("state", (await partitions_of(server, 1))[1][0] & 0x0F, bits)
        same("partition 2 is not armed", (await partitions_of(server, 2))[2][0] & 0x01, 0)

        await server.ask_in_vain(disarm(1, "9999"), RESPONSE, WRONG_CODE)
        start = len(server.inbox)
        await server.ask(disarm(1, MASTER))
        gone = await server.wait("disarmed", lambda m: m.command == ARMED and flags(m) == 0, start)
        same("disarmed by user 1", gone.body, compact(1) + b"\x00\x01" + compact(1))
        same("state", (await partitions_of(server, 1))[1][0] & 0x01, 0)
        ok(f"armed with mode {mode}, not disarmed by a wrong code, disarmed")
    await server.ask_in_vain(arm(1, AWAY, "9999"), RESPONSE, WRONG_CODE)
    ok("not armed by a wrong code")


async def records(server, what, first, count):
    """Answers to one of the reads that share a layout, in batches that fit the panel's buffer."""
    found = []
    for start in range(first, first + count, 60):
        size = min(60, first + count - start)
        reader = await server.ask(read(what, start, size), lambda m: m.body.startswith(compact(start)))
        same("slots asked for", (reader.compact(), reader.compact()), (start, size))
        found += reader.records(size)
        reader.end()
    return found


async def user(server, slot):
    """A user as the panel has it: code, attributes, partitions, configuration."""
    code, attributes, assigned, configured = [
        (await records(server, what, slot, 1))[0] for what in (CODES, ATTRIBUTES, ASSIGNED, CONFIGURED)]
    return unbcd(code), attributes[0], unmask(assigned), configured[0]


async def programming(server, code, write):
    start = len(server.inbox)
    await server.ask(enter(ACCESS_CODES, code, write))
    lead = await server.wait("lead-in", lambda m: m.command == LEAD, start)
    same("lead-in of partition 1", lead.body[:3], compact(1) + b"\x00")


async def leave_programming(server):
    start = len(server.inbox)
    await server.ask(leave())
    lead = await server.wait("lead-out", lambda m: m.command == LEAD, start)
    same("lead-out of partition 1", lead.body[:3], compact(1) + b"\x01")


async def manage_users(server, count):
    await server.ask_in_vain(enter(ACCESS_CODES, "9999", True), RESPONSE, WRONG_CODE)
    await server.ask_in_vain(read(CODES, 1, 1), *WRONG_MODE_ANSWER)
    ok("nothing without the master code")

    await programming(server, MASTER, write=False)
    await server.ask_in_vain(enter(ACCESS_CODES, MASTER, True), RESPONSE, BUSY)
    codes = [unbcd(code) for code in await records(server, CODES, 1, count)]
    configured = [flags[0] for flags in await records(server, CONFIGURED, 1, count)]
    same("the master's code", codes[0], MASTER)
    used = [slot for slot, code in enumerate(codes, 1) if code != EMPTY]
    same("slots with a code", [slot for slot, flag in enumerate(configured, 1) if flag], used)
    same("master and 60 users", len(used), 61)
    same("different codes", len({codes[slot - 1] for slot in used}), len(used))
    attributes = await records(server, ATTRIBUTES, 1, count)
    partitions = await records(server, ASSIGNED, 1, count)
    same("answers", (len(attributes), len(partitions)), (count, count))
    slot = codes.index(EMPTY) + 1
    await server.ask_in_vain(write(CODES, slot, bcd("8642")), *WRONG_MODE_ANSWER)
    await leave_programming(server)
    ok(f"read {count} users, {len(used)} of them with a code")

    await programming(server, MASTER, write=True)
    await set_relabel_disable(server, slot, codes[1])
    await leave_programming(server)


async def set_relabel_disable(server, slot, other_code):
    same("an empty slot", (await user(server, slot))[0], EMPTY)
    await server.ask_in_vain(write(CODES, slot, bcd(other_code)), RESPONSE)
    ok("a code that another user has is refused")

    await server.ask(write(CODES, slot, bcd("8642")))
    code, attributes, partitions, configured = await user(server, slot)
    same("the new user", (code, partitions, configured), ("8642", [1], 1))
    await server.ask(write(ATTRIBUTES, slot, bytes([attributes & 0x30 | 0x4C])))
    await server.ask(write(ASSIGNED, slot, b"\x03"))
    await server.ask(write_label(slot, "Zoë"))
    same("the user", await user(server, slot), ("8642", attributes & 0x30 | 0x4C, [1, 2], 1))
    reader = await server.ask(labels(USER_LABELS, slot, slot), lambda m: m.body[:2] == compact(USER_LABELS))
    same("labels asked for", (reader.compact(), reader.compact(), reader.compact()), (USER_LABELS, slot, slot))
    same("the label", reader.texts(1), ["Zoë"])
    await server.ask(write(CODES, slot, bcd("7531")))
    same("only the code changed", await user(server, slot), ("7531", attributes & 0x30 | 0x4C, [1, 2], 1))
    ok(f"user {slot}: code set, attributes, partitions and label written and read back, code replaced")

    await server.ask_in_vain(write(ATTRIBUTES, 1, b"\x00"), RESPONSE)
    await server.ask_in_vain(write(ASSIGNED, 1, b"\x01"), RESPONSE)
    ok("the master's attributes and partitions cannot be written")

    await server.ask(write(CODES, slot, bcd(EMPTY)))
    code, attributes, _, configured = await user(server, slot)
    same("the user is gone", (code, configured), (EMPTY, 0))
    same("its attributes went with it", attributes & 0x4C, 0)
    ok(f"user {slot} disabled")


async def misbehave(server):
    await server.ask_in_vain(wanted(0x0999), RESPONSE, UNAVAILABLE)
    await server.ask_in_vain(Message(0x0955, b""), ERROR, 2)
    await server.ask_in_vain(Message(ARM, b""), ERROR, 1)
    ok("unknown and short requests are refused")


async def session(number):
    seen = Sightings()
    listener = await Listener.open(access, seen)
    simulator = await Simulator.spawn(
        *sys.argv[1:], "--connect", f"127.0.0.1:{listener.port}", *OPTIONS, "--set", ENCRYPTION.format(number))
    server = await listener.session()
    same("encryption type", server.opening[14], number)
    ok(f"connected with {server.identifier}, encryption type {number}")
    await server.quiet()
    users = await look_around(server)
    await watch_a_zone(server, simulator)
    await arm_and_disarm(server)
    await manage_users(server, users)
    await misbehave(server)

    # What happens while the line is down is told before anything else.
    await simulator.poke("drop 1")
    await seen.quietly("the line drops", lambda: server.gone)
    await simulator.poke("open 2")
    again = await listener.session()
    same("the same panel", again.identifier, server.identifier)
    await again.wait("zone 2, told late", lambda m: m.command == ZONE and m.body == compact(2) + b"\x01")
    await again.quiet()
    same("zone 2", (await zones_of(again))[2] & 1, 1)
    again.link.send(Message(itv2.POLL, b""))
    await seen.quietly("the poll is acknowledged", lambda: again.link.idle)
    ok("the line dropped, the panel dialled again and told what had happened")

    await again.close()
    listener.close()
    await simulator.stop()
    ok("session ended in good order")


async def scenario():
    for number in 2, 1:
        print(f"-- encryption type {number}", flush=True)
        await session(number)
    print("all seen", flush=True)


if __name__ == "__main__":
    main(scenario)
