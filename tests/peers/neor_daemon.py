"""Two small Neo panels of ours against the real daemon: one with encryption type 2, one with type 1.

The panels keep to the sequence rules by the letter and have memories of their own; what the daemon tells over MQTT and
at the command line is compared with what they have.
"""

import asyncio
import json
import shutil

from box import MOSQUITTO, Box, free_port
from neor_communicator import Communicator, access
from neor_memory import EMPTY
from simulator import Failed, main

MASTER = "1234"
AWAY = 2
# Not the factory's; the daemon has them from its configuration.
CODE_TYPE1, CODE_TYPE2 = "87a54321", "0123456789abcdef0123456789abcdef"
PANELS = {"neor-1": ("310212345678", 2, CODE_TYPE2), "neor-2": ("240422314012", 1, CODE_TYPE1)}
STRANGER = "999900001111"

# One panel in the daemon's configuration.
CONFIGURATION = """
[[panel]]
id = "{panel}"
vendor = "neor"
[panel.credentials]
password = {{ file = "{panel}.password" }}
master_code = {{ file = "{panel}.master" }}
[panel.neor]
listen = "127.0.0.1:{port}"
identifier = "{identifier}"
encryption = "type{number}"
"""


def same(what, got, expected):
    if got != expected:
        raise Failed(f"{what}: {got!r}, expected {expected!r}")


class Site:
    """One panel, and what the box says of it."""

    def __init__(self, box, panel, port):
        identifier, number, code = PANELS[panel]
        self.box, self.name = box, panel
        self.happened = []
        self.communicator = Communicator(
            ("127.0.0.1", port), identifier, access(identifier, number, code, code), self._tell, box.seen.news,
            users=95, used=20, exit_seconds=1)
        self.panel = self.communicator.panel

    def _tell(self, event, **fields):
        print(f"   {self.name}: {event} {fields or ''}", flush=True)
        self.happened.append({"event": event, **fields})
        self.box.seen.news()

    def count(self, event, **fields):
        return sum(line["event"] == event and line.items() >= fields.items() for line in self.happened)

    async def wait(self, event, count=1, **fields):
        await self.until(f"{event} {fields or ''}", lambda: self.count(event, **fields) >= count)

    async def until(self, what, fits):
        """Waits for something at the panel; `happened` brings the news."""
        def checked():
            if self.communicator.complaints:
                raise Failed(f"{self.name} complains:\n" + "\n".join(self.communicator.complaints))
            return fits()

        await self.box.seen.quietly(f"{what} at {self.name}", checked)

    async def told(self, topic, what, fits):
        """Waits until the box publishes what fits."""
        return await self.box.told(f"panels/{self.name}/{topic}", f"{self.name}: {what}", fits)

    async def out_of_programming(self):
        await self.until("programming is left", lambda: not (self.panel.programming or self.panel.entering))


async def connect(site):
    await site.wait("connected")
    await site.told("status", "online", lambda body: body["state"] == "online")
    state = await site.told("state", "both partitions", lambda body: {"1", "2"} <= body["partitions"].keys())
    same("partitions are disarmed", {state["partitions"][n]["arm"] for n in "12"}, {"disarmed"})
    await site.told("state", "all zones", lambda body: len(body["zones"]) == 16)
    rows = await site.box.json("panels", "list")
    same("listed", [row["status"]["state"] for row in rows if row["panel"] == site.name], ["online"])


async def read_users(site):
    await site.box.command("users", site.name, "refresh")
    await site.told("reported", "all users", lambda body: {slot for slot, user in body["users"].items()
                                                           if user["code_state"] == "set"} == expected_slots(site))
    page = await site.box.json("users", site.name, "list", "--size", "100")
    users = {row["slot"]: row for row in page["rows"]}
    same("the master's label", users[1]["label"], site.panel.users[1].label)
    await site.out_of_programming()


def expected_slots(site):
    return {str(slot) for slot, user in site.panel.users.items() if user.code != EMPTY}


async def watch_zones(site):
    box, name = site.box, site.name
    site.panel.set_zone(4, 1)
    await box.event(name, "zone_opened", zone=4)
    site.panel.set_zone(3, 1)
    await box.event(name, "zone_opened", zone=3)
    state = await site.told("state", "zone 3 is open", lambda body: body["zones"]["3"]["open"])
    same("partition 1", state["partitions"]["1"]["ready"], "not_ready")
    # As if its acknowledgement had been lost, the same message comes again: it is acknowledged and is no new one.
    link = site.communicator.session.link
    await site.until("everything acknowledged", lambda: link.idle)
    link.repeat()
    await site.until("the repeated message acknowledged", lambda: link.idle)
    for zone in 3, 4:
        site.panel.set_zone(zone, 0)
        await box.event(name, "zone_closed", zone=zone)
        same(f"zone {zone} opened once", len(box.events(name, "zone_opened", zone=zone)), 1)
    await site.told("state", "partition 1 is ready", lambda body: body["partitions"]["1"]["ready"] == "ready")


async def arm_and_disarm(site):
    box, name = site.box, site.name
    arm = lambda body: body["partitions"]["1"]["arm"]
    site.panel.arm(1, AWAY, 2)
    await site.told("state", "exit delay", lambda body: arm(body) in ("exit_delay", "armed"))
    event = await box.event(name, "armed", partition=1, mode="away")
    same("no partition but 1", event["partition"], 1)
    await site.told("state", "armed", lambda body: arm(body) == "armed")
    wrong = site.count("wrong_code")
    await box.command("panels", "disarm", name, "1", types="9999\n", ends=1)
    same("a wrong code", (site.count("wrong_code"), site.count("disarmed")), (wrong + 1, 0))
    await box.command("panels", "disarm", name, "1", types=f"{MASTER}\n")
    await site.wait("disarmed", partition=1, slot=1)
    await box.event(name, "disarmed", partition=1)
    await site.told("state", "disarmed", lambda body: arm(body) == "disarmed")

    await box.command("panels", "arm", name, "1", "stay", "--code", types=f"{MASTER}\n")
    await site.wait("armed", partition=1, mode="stay", slot=1)
    await box.event(name, "armed", partition=1, mode="stay")
    site.panel.disarm(1, 1)
    await box.event(name, "disarmed", count=2, partition=1)


async def unlock(site):
    box, name = site.box, site.name
    await box.command("users", name, "label", "30", "Zoe", ends=1)
    # The box keeps no installer code: the panel proves it.
    await box.command("unlock", name, types="4444\n", ends=1)
    await site.out_of_programming()
    await box.command("unlock", name, types=f"{site.panel.installer}\n")
    await site.out_of_programming()


async def change_users(site):
    box, name, users = site.box, site.name, site.panel.users
    said = await box.command("users", name, "set-code", "30", types="8642\n8642\n")
    same("the code in the panel's memory", users[30].code, "8642")
    if "read back" not in said:
        raise Failed(f"the code was not read back: {said}")
    await box.command("users", name, "label", "30", "Zoe")
    await box.command("users", name, "partitions", "30", "1,2")
    await box.command("users", name, "role", "30", "supervisor")
    user = users[30]
    same("the user in the panel's memory", (user.label, user.partitions, user.attributes & 0x83), ("Zoe", [1, 2], 0x01))
    await box.command("users", name, "set-code", "30", types="7531\n7531\n")
    same("only the code changed", (user.code, user.label, user.partitions, user.attributes & 0x83),
         ("7531", "Zoe", [1, 2], 0x01))
    await site.out_of_programming()
    await box.command("users", name, "set-code", "31", types="7531\n7531\n", ends=1)
    same("no code twice", users[31].code, EMPTY)

    sealed = json.loads(await box.operator("seal", types="2846\n"))
    document = {"version": 1, "users": {"32": {"code": sealed, "label": "Anna"}}}
    await box.operator("push", name, types=json.dumps(document))
    same("the cloud's user in the panel's memory", (users[32].code, users[32].label), ("2846", "Anna"))
    applied = lambda body: body["users"]["32"]["answers"]["code"]["condition"] == "applied"
    await site.told("reported", "the cloud's user", lambda body: body["cloud_version"] == 1 and applied(body))

    site.panel.edit(32, "9753")
    await box.event(name, "user_divergence", slot=32)
    await box.command("users", name, "disable", "30", "--yes")
    same("the user is gone", users[30].code, EMPTY)
    await site.told("reported", "no user 30", lambda body: body["users"]["30"]["code_state"] == "none")
    same("nobody else changed", users[32].code, "9753")
    await site.out_of_programming()


async def lose_the_line(site):
    connected = site.count("connected")
    site.communicator.drop(1)
    await site.wait("line_lost")
    site.panel.set_zone(5, 1)
    await site.wait("connected", count=connected + 1)
    await site.box.event(site.name, "zone_opened", zone=5)
    await site.told("status", "online again", lambda body: body["state"] == "online")


async def strangers_are_refused(box, port):
    told = []
    stranger = Communicator(("127.0.0.1", port), STRANGER, access(STRANGER, 2, CODE_TYPE2, CODE_TYPE2),
                            lambda event, **_: (told.append(event), box.seen.news()))
    running = asyncio.ensure_future(stranger.run())
    await box.seen.until("a stranger is turned away", lambda: "line_lost" in told)
    running.cancel()
    same("it never was connected", "connected" in told, False)


async def scenario():
    for program in MOSQUITTO, "mosquitto_sub", "stdbuf":
        if shutil.which(program) is None:
            raise Failed(f"there is no {program} here")
    port = free_port()
    configuration = "".join(
        CONFIGURATION.format(panel=panel, port=port, identifier=identifier, number=number)
        for panel, (identifier, number, _) in PANELS.items())
    secrets = {f"{panel}.password": code for panel, (_, _, code) in PANELS.items()}
    secrets |= {f"{panel}.master": MASTER for panel in PANELS}
    async with Box(configuration, secrets) as box:
        await strangers_are_refused(box, port)
        sites = [Site(box, panel, port) for panel in PANELS]
        running = [asyncio.ensure_future(site.communicator.run()) for site in sites]
        for part in connect, read_users, unlock, watch_zones, arm_and_disarm, change_users, lose_the_line:
            for site in sites:
                print(f"-- {site.name}: {part.__name__}", flush=True)
                await part(site)
        lost = [site.count("line_lost") for site in sites]
    for site, before in zip(sites, lost):
        await site.wait("line_lost", count=before + 1)
        same("complaints", site.communicator.complaints, [])
    for task in running:
        task.cancel()
    print("all seen", flush=True)


if __name__ == "__main__":
    main(scenario)
