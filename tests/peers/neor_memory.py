"""The users of a small Neo panel of ours, and the programming mode in which they are read and written."""

import datetime
from dataclasses import dataclass, field

import neor_itv2 as itv2
from neor_itv2 import Message, Short, bcd, compact, mask, unbcd, unmask, untext

CODE_LENGTH = 4
EMPTY = "A" * CODE_LENGTH
VIA_US = 0
LEAD_IN_AFTER = 0.3  # seconds

# What 0502 says.
OUT_OF_RANGE, WRONG_TYPE, NOT_READY, WRONG_MODE, WRONG_CODE, CODE_REQUIRED, BUSY = 1, 2, 4, 16, 17, 18, 19
WRONG_PARTITION, UNAVAILABLE, NO_TROUBLES, NO_ALARMS = 20, 23, 26, 27


class Refused(Exception):
    """What the panel does not do, with the code that it gives as the reason."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def slots_from(numbers, first, count):
    """`count` numbers from the first on, if they are all there."""
    if not first or not count or first + count - 1 > len(numbers):
        raise Refused(OUT_OF_RANGE)
    return range(first, first + count)


@dataclass(eq=False)
class User:
    """One slot of the user memory."""
    code: str = EMPTY
    attributes: int = 0
    partitions: list = field(default_factory=list)
    label: str = ""

    def set_code(self, code):
        """Between empty and used the panel itself puts everything else back."""
        if (code == EMPTY) != (self.code == EMPTY):
            self.attributes = 0
            self.partitions = [] if code == EMPTY else [1]
        self.code = code


class UserMemory:
    """Users by slot. Only who entered access code programming with the master code may read or write them."""

    def __init__(self, later, tell, notify, partitions, users, used, master, installer):
        self._later, self._tell, self._notify = later, tell, notify
        self.partitions = partitions
        self.users = {slot: User(label=f"User {slot}") for slot in range(1, users + 1)}
        self.users[1] = User(master, 0x0D, sorted(partitions), "Master")
        for slot in range(2, used + 2):
            self.users[slot].set_code(f"{2000 + slot * 13:04}")
        self.installer = installer
        self.programming = None  # (type, write) once the lead-in was told
        self.entering = False

    def edit(self, slot, code):
        """Somebody gives a user another code at a keypad; an empty one removes the user."""
        self.users[slot].set_code(code)
        self._notify(Message(0x0250, b"\x01" + compact(1) + compact(slot) + compact(slot)))
        self._tell("code_set" if code != EMPTY else "code_deleted", slot=slot, by="person")

    def line_lost(self):
        self.programming, self.entering = None, False

    def _partition(self, reader):
        partition = reader.compact()
        if partition not in self.partitions:
            raise Refused(WRONG_PARTITION)
        return partition

    def _who(self, code):
        if not code:
            raise Refused(CODE_REQUIRED)
        slot = next((slot for slot, user in self.users.items() if user.code == code != EMPTY), None)
        if slot is None:
            self._tell("wrong_code")
            raise Refused(WRONG_CODE)
        return slot

    def _section(self, reader):
        reader.rest()
        raise Refused(UNAVAILABLE if self.programming else WRONG_MODE)

    def _enter(self, reader):
        self._partition(reader)
        kind, code, write = reader.u8(), unbcd(reader.counted()), reader.u8()
        if kind not in (0, 1):
            raise Refused(WRONG_TYPE)
        if self.programming or self.entering:
            raise Refused(BUSY)
        if code != (self.users[1].code if kind else self.installer):
            self._tell("wrong_code")
            raise Refused(WRONG_CODE)
        if kind == 0 and any(state.mode for state in self.partitions.values()):
            raise Refused(BUSY)
        self.entering = True
        self._later(LEAD_IN_AFTER, lambda: self._lead_in(kind, bool(write)))

    def _lead_in(self, kind, write):
        if self.entering:
            self.entering, self.programming = False, (kind, write)
            self._lead(0, kind)

    def _lead(self, out, kind):
        now = itv2.date_time(datetime.datetime.now())
        self._notify(Message(0x0702, compact(1) + bytes([out]) + compact(0) + bytes([VIA_US, kind]) + now))
        self._tell("menu_left" if out else "menu_opened", by="module")

    def _leave(self, reader):
        self._partition(reader)
        if not (self.programming or self.entering):
            raise Refused(OUT_OF_RANGE)
        kind = self.programming[0] if self.programming else 1
        self.line_lost()
        self._later(0, lambda: self._lead(1, kind))

    def _slots(self, reader, write):
        if self.programming is None or self.programming[0] != 1 or write and not self.programming[1]:
            raise Refused(WRONG_MODE)
        first, count = reader.compact(), reader.compact()
        return compact(first) + compact(count), [self.users[slot] for slot in slots_from(self.users, first, count)]

    def _read_codes(self, reader):
        slots, users = self._slots(reader, write=False)
        return slots + bytes([CODE_LENGTH // 2]) + b"".join(bcd(user.code) for user in users)

    def _read_attributes(self, reader):
        slots, users = self._slots(reader, write=False)
        return slots + b"\x01" + bytes(user.attributes for user in users)

    def _read_assigned(self, reader):
        slots, users = self._slots(reader, write=False)
        return slots + b"\x01" + b"".join(mask(user.partitions) for user in users)

    def _read_configured(self, reader):
        slots, users = self._slots(reader, write=False)
        return slots + b"\x01" + bytes(user.code != EMPTY for user in users)

    def _write_codes(self, reader):
        _, users = self._slots(reader, write=True)
        codes = [unbcd(code) for code in reader.records(len(users))]
        others = [user.code for user in self.users.values() if user not in users]
        if any(len(code) != CODE_LENGTH or code != EMPTY and (not code.isdigit() or code in others) for code in codes):
            raise Refused(WRONG_CODE)
        if self.users[1] in users and codes[0] == EMPTY:
            raise Refused(UNAVAILABLE)
        for user, code in zip(users, codes):
            user.set_code(code)
            slot = next(slot for slot, other in self.users.items() if other is user)
            self._tell("code_set" if code != EMPTY else "code_deleted", slot=slot, by="module")

    def _write_to(self, reader, take):
        """Attributes and partitions, which the master has from the factory."""
        _, users = self._slots(reader, write=True)
        records = reader.records(len(users))
        if any(user is self.users[1] for user in users):
            raise Refused(UNAVAILABLE)
        for user, record in zip(users, records):
            take(user, record)

    def _write_attributes(self, reader):
        self._write_to(reader, lambda user, record: setattr(user, "attributes", record[0]))

    def _write_assigned(self, reader):
        self._write_to(reader, lambda user, record: setattr(user, "partitions", unmask(record)))

    def _write_labels(self, reader):
        _, users = self._slots(reader, write=True)
        if reader.u8() != 3:
            raise Refused(OUT_OF_RANGE)
        labels = [reader.counted() for _ in users]
        if any(len(label) != 28 for label in labels):
            raise Short("a label is not 28 bytes long")
        for user, label in zip(users, labels):
            user.label = untext(label)
