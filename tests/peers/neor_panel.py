"""A small Neo panel of ours, written from the protocol's description alone: what it is and what it answers."""

import datetime
from dataclasses import dataclass

import neor_itv2 as itv2
from neor_itv2 import ERROR, REQUEST, RESPONSE, Message, Reader, compact, counted, mask, text, u16, unbcd, unmask
from neor_memory import CODE_LENGTH, NO_ALARMS, NO_TROUBLES, NOT_READY, OUT_OF_RANGE, UNAVAILABLE, WRONG_PARTITION
from neor_memory import Refused, UserMemory, slots_from

MODES = {1: "stay", 2: "away", 4: "night"}
ARMED_BITS = {1: 0x03, 2: 0x05, 4: 0x09}
BY_CODE = 1


@dataclass
class Partition:
    mode: int = 0
    exit_delay: bool = False
    armings: int = 0  # counts them, so that the end of an old exit delay is known


class Panel(UserMemory):
    """Its clock is `later(seconds, call)`; `tell` hears what happens at the site, `notify` brings it to the server."""

    def __init__(self, later, tell, notify, *, users=95, used=0, zones=16, partitions=2, exit_seconds=2, master="1234",
                 installer="5555", limits=None):
        partitioned = {number: Partition() for number in range(1, partitions + 1)}
        super().__init__(later, tell, notify, partitioned, users, used, master, installer)
        self.limits = limits or (zones, users, partitions, 32, users, 4)
        self.zones = {zone: 0 for zone in range(1, zones + 1)}  # status bits
        self.exit_seconds = exit_seconds

    # At the site

    def zones_of(self, partition):
        """The zones are dealt out to the partitions one by one, eight in a row."""
        return [zone for zone in self.zones if not partition or (zone - 1) // 8 % len(self.partitions) + 1 == partition]

    def set_zone(self, zone, is_open):
        partition = (zone - 1) // 8 % len(self.partitions) + 1
        before = self.ready(partition)
        self.zones[zone] = self.zones[zone] & ~1 | is_open
        self._notify(Message(0x0210, compact(zone) + bytes([is_open])))
        self._tell("zone_opened" if is_open else "zone_closed", zone=zone)
        if before != self.ready(partition):
            self._notify(Message(0x0239, compact(partition) + (b"\x01" if self.ready(partition) else b"\x03")))

    def ready(self, partition):
        return not any(self.zones[zone] & 1 for zone in self.zones_of(partition))

    def arm(self, partition, mode, slot):
        state = self.partitions[partition]
        state.exit_delay = True
        state.armings += 1
        # Two bytes where one would do, as panels were seen to send.
        self._notify(Message(0x0230, compact(partition) + b"\x81" + compact(self.exit_seconds, width=2)))
        arming = state.armings
        self._later(self.exit_seconds, lambda: self._exit_over(partition, mode, slot, arming))

    def _exit_over(self, partition, mode, slot, arming):
        state = self.partitions[partition]
        if not state.exit_delay or state.armings != arming:
            return  # disarmed meanwhile
        state.exit_delay, state.mode = False, mode
        self._notify(Message(0x0230, compact(partition) + b"\x00" + compact(0)))
        self._told_arming(partition, mode, slot)
        self._tell("armed", partition=partition, mode=MODES.get(mode, mode), slot=slot)

    def disarm(self, partition, slot):
        state = self.partitions[partition]
        state.exit_delay, state.mode = False, 0
        self._told_arming(partition, 0, slot)
        self._tell("disarmed", partition=partition, slot=slot)

    def _told_arming(self, partition, mode, slot):
        self._notify(Message(0x0232, compact(partition) + bytes([mode, BY_CODE]) + compact(slot)))

    # Answers

    def answer(self, message):
        """The messages that answer one of the server's; none if to acknowledge it is enough."""
        if message.command in (itv2.POLL, RESPONSE, ERROR):
            return []
        name = COMMANDS.get(message.command)
        if name is None:
            return [Message(ERROR, u16(message.command) + b"\x02")]
        reader = Reader(message.body)
        try:
            app = bytes([reader.u8()])
            if message.command == REQUEST:
                wanted = reader.u16()
                # Some servers send more fields than are asked for; panels do not mind.
                return [Message(wanted, self._request(wanted, reader))]
            data = getattr(self, name)(reader)
            reader.end()
        except Refused as refused:
            return [Message(RESPONSE, app + bytes([refused.code]))]
        except itv2.Wrong:
            return [Message(ERROR, u16(message.command) + b"\x01")]
        return [Message(RESPONSE, app + b"\x00") if data is None else Message(message.command | 0x4000, data)]

    def _request(self, wanted, reader):
        name = REQUESTS.get(wanted)
        if name is None:
            raise Refused(UNAVAILABLE)
        return getattr(self, name)(reader)

    def _capabilities(self, _reader):
        return b"".join(compact(limit) for limit in self.limits)

    def _code_length(self, _reader):
        return bytes([CODE_LENGTH])

    def _clock(self, _reader):
        return itv2.date_time(datetime.datetime.now())

    def _assignment(self, reader):
        partition = reader.compact()
        if partition and partition not in self.partitions:
            raise Refused(WRONG_PARTITION)
        return compact(partition) + mask(self.zones_of(partition), (len(self.zones) + 7) // 8)

    def _in_use(self, _reader):
        return counted(mask(self.partitions))

    def _labels(self, reader):
        option, first, last = reader.compact(), reader.compact(), reader.compact()
        texts, width = {
            0xD1: ({zone: f"Zone {zone}" for zone in self.zones} | {1: "Front door"}, 56),
            0xD3: ({0: "Our house"} | {number: f"Partition {number}" for number in self.partitions}, 56),
            0xD9: ({slot: user.label for slot, user in self.users.items()}, 28),
        }.get(option, ({}, 0))
        if None in (first, last) or any(n not in texts for n in range(first, last + 1)):
            raise Refused(OUT_OF_RANGE)
        found = b"".join(text(texts[n], width) for n in range(first, last + 1))
        return compact(option) + compact(first) + compact(last) + compact(width) + found

    def _zone_status(self, reader):
        first, count = reader.compact(), reader.compact()
        numbers = slots_from(self.zones, first, count)
        return compact(first) + compact(count) + b"\x01" + bytes(self.zones[zone] for zone in numbers)

    def _partition_status(self, reader):
        numbers = unmask(reader.counted())
        if not numbers or any(number not in self.partitions for number in numbers):
            raise Refused(WRONG_PARTITION)
        return counted(mask(numbers)) + b"\x03" + b"".join(self._state(number) for number in numbers)

    def _state(self, number):
        state = self.partitions[number]
        first = ARMED_BITS.get(state.mode, 0x05)
        if not state.mode:
            first = 0x02 if self.ready(number) else 0x08
        second = 0x08 if self.programming or self.entering else 0
        return bytes([first | 0x20 * state.exit_delay, second, 0])

    def _bypassed(self, reader):
        return compact(reader.compact()) + mask([], (len(self.zones) + 7) // 8)

    def _no_troubles(self, _reader):
        raise Refused(NO_TROUBLES)

    def _no_alarms(self, _reader):
        raise Refused(NO_ALARMS)

    # Arming

    def _arm(self, reader):
        partition, mode = self._partition(reader), reader.u8()
        slot = self._who(unbcd(reader.rest()))
        if not self.ready(partition):
            raise Refused(NOT_READY)
        self._later(0, lambda: self.arm(partition, mode, slot))

    def _disarm(self, reader):
        partition = self._partition(reader)
        slot = self._who(unbcd(reader.rest()))
        self._later(0, lambda: self.disarm(partition, slot))

    def _activity(self, reader):
        self._partition(reader)
        if reader.u8() == 22:
            self._who(unbcd(reader.rest()))
        reader.rest()


COMMANDS = {
    REQUEST: "_request", 0x0704: "_enter", 0x0701: "_leave", 0x0900: "_arm", 0x0901: "_disarm", 0x0912: "_activity",
    0x0736: "_read_codes", 0x0737: "_read_attributes", 0x0738: "_read_assigned", 0x073C: "_read_configured",
    0x0721: "_section", 0x0722: "_section", 0x074A: "_section",
    0x0746: "_write_codes", 0x0747: "_write_attributes", 0x0748: "_write_assigned", 0x0750: "_write_labels",
}
REQUESTS = {
    0x0613: "_capabilities", 0x0220: "_clock", 0x0236: "_code_length", 0x0770: "_assignment", 0x0771: "_labels",
    0x0772: "_in_use", 0x0811: "_zone_status", 0x0812: "_partition_status", 0x0813: "_bypassed",
    0x0822: "_no_troubles", 0x0817: "_no_troubles", 0x0840: "_no_alarms", 0x0815: "_no_alarms",
}
