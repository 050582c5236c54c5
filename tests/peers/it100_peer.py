"""dsc-it100, an IT-100 client of somebody else's, against `panelgate simulate dsc --pty`."""

import asyncio
import collections
import logging
import os
import tempfile

from dsc_it100 import Driver, protocol

from simulator import Failed, Sightings, Simulator, main


class Complaints(logging.Handler):
    """What the library logs as wrong."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def count_messages(seen):
    """Counts all messages that the library parses, by command and data; it hands on only some of them."""
    counts = collections.Counter()
    parse = protocol.Message.deserialize

    def parse_and_count(line):
        message = parse(line)
        counts[message.command, message.data] += 1
        seen.news()
        return message

    protocol.Message.deserialize = parse_and_count
    return counts


async def scenario():
    complaints = Complaints()
    logging.getLogger("dsc_it100").addHandler(complaints)
    seen = Sightings()
    with tempfile.TemporaryDirectory() as folder:
        pty = os.path.join(folder, "it100")
        simulator = await Simulator.start("--interface", "it100", "--pty", pty, "--set", "exit_seconds=5")
        client = await use(simulator, pty, seen)
        if complaints.texts:
            raise Failed(f"the library complained: {complaints.texts}")
        client.close()
        await simulator.stop()
    print("all seen", flush=True)


async def use(simulator, pty, seen):
    counts = count_messages(seen)
    client = Driver(pty, loop=asyncio.get_running_loop())
    client.set_alarm_code("1234")
    state = client.get_alarm_state()
    zone = lambda number: state.get_zone(number).status
    partition = lambda: state.get_partition(1).status
    lit = lambda status: [name for name, value in vars(status).items() if value]
    client.handler_zone_update = lambda _, z: seen.note(f"zone {z.index}: {lit(z.status)}")
    client.handler_partition_update = lambda _, p: seen.note(f"partition {p.index}: {lit(p.status)}")
    client.handler_general_update = lambda _, status: seen.note(f"general: {lit(status)}")

    client.connect()
    await seen.until("the status report", lambda: partition().ready and 8 in state.zones)

    await simulator.poke("open 3")
    await seen.until("zone 3 open", lambda: zone(3).open)
    await simulator.poke("close 3")
    await seen.until("zone 3 closed", lambda: not zone(3).open)

    await simulator.poke("ac off")
    await seen.until("AC lost", lambda: state.status.ac_trouble)
    await simulator.poke("ac on")
    await seen.until("AC back", lambda: not state.status.ac_trouble)

    # The library keeps no armed flag of its own: the panel says that it is armed.
    mark = simulator.mark()
    client.send_message(protocol.COMMAND_PARTITION_ARM_CONTROL_AWAY, "1")
    await seen.until("exit delay", lambda: partition().exit_delay)
    await simulator.wait("armed", mark, mode="away")
    print("ok: armed", flush=True)
    client.send_message(protocol.COMMAND_PARTITION_DISARM_CONTROL, "1123400")
    await simulator.wait("disarmed", mark, slot=40)
    await seen.until("disarmed", lambda: not partition().exit_delay and not partition().alarm)

    async def type_keys(keys):
        """Each key goes down and comes up (`^`), at the pace at which the module takes them."""
        for key in "".join(key + "^" for key in keys):
            before = counts["500", "070"]
            client.send_message(protocol.COMMAND_KEY_PRESSED, key)
            await seen.until(f"key {key}", lambda: counts["500", "070"] > before)

    # `*5` asks for the master code; the library answers 900 with a bare 200.
    mark = simulator.mark()
    client.send_message(protocol.COMMAND_VIRTUAL_KEYBOARD_CONTORL, "1")
    await seen.until("the virtual keypad is on", lambda: counts["500", "058"] > 0)
    await type_keys("*5")
    await simulator.wait("menu_opened", mark, menu="users")
    print("ok: the user menu opened with the code that the panel asked for", flush=True)
    await type_keys("#")
    await simulator.wait("menu_left", mark, by="module")
    return client


main(scenario)
