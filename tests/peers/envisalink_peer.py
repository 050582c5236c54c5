"""pyenvisalink, the client library of Home Assistant, against `panelgate simulate dsc --listen`."""

import asyncio
import logging

from pyenvisalink import EnvisalinkAlarmPanel

from simulator import Failed, Sightings, Simulator, main


class Complaints(logging.Handler):
    """What the library logs as wrong."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def client(simulator, seen, password="user"):
    panel = EnvisalinkAlarmPanel(
        "127.0.0.1", simulator.port, panelType="DSC", envisalinkVersion=4, userName="user", password=password,
        zoneTimerInterval=3, keepAliveInterval=2, eventLoop=asyncio.get_running_loop())
    panel.logins = []
    panel.zones_told = []
    panel.timer_dumps = 0

    def login(word):
        def told(_):
            panel.logins.append(word)
            seen.note(f"login {word}")
        return told

    def zone(number):
        panel.zones_told.append(number)
        seen.note(f"zone {number}: {panel.alarm_state['zone'][number]['status']}")

    def partition(number):
        status = panel.alarm_state["partition"][number]["status"]
        on = [name for name, value in status.items() if value is True]
        seen.note(f"partition {number}: {', '.join(on)}")

    def timers(_):
        panel.timer_dumps += 1
        seen.note("zone timers")

    panel.callback_login_success = login("accepted")
    panel.callback_login_failure = login("refused")
    panel.callback_login_timeout = login("timed out")
    panel.callback_zone_state_change = zone
    panel.callback_partition_state_change = partition
    panel.callback_keypad_update = lambda _: seen.note("lights or troubles")
    panel.callback_zone_timer_dump = timers
    return panel


async def scenario():
    complaints = Complaints()
    logging.getLogger("pyenvisalink").addHandler(complaints)
    seen = Sightings()
    simulator = await Simulator.start("--interface", "envisalink", "--listen", "127.0.0.1:0", "--set", "exit_seconds=5")

    panel = client(simulator, seen)
    zone = lambda number: panel.alarm_state["zone"][number]["status"]
    partition = lambda: panel.alarm_state["partition"][1]["status"]
    panel.start()
    await seen.until("login accepted", lambda: panel.logins == ["accepted"])
    # Right after the login the library sends 010 and 001 without waiting in between; a module that takes one command
    # at a time refuses the second. Once the zone timers came, nothing is under way, and it may ask again.
    await seen.until("zone timers were read", lambda: panel.timer_dumps > 0)
    panel._client.send_command("001", "")
    await seen.until("partition 1 ready", lambda: partition()["ready"])

    for number in (3, 8):
        await simulator.poke(f"open {number}")
        await seen.until(f"zone {number} open", lambda: number in panel.zones_told and zone(number)["open"])
        await seen.until("partition 1 not ready", lambda: not partition()["ready"])
        await simulator.poke(f"close {number}")
        await seen.until(f"zone {number} closed", lambda: not zone(number)["open"])
        await seen.until("partition 1 ready again", lambda: partition()["ready"])

    await simulator.poke("ac off")
    await seen.until("AC lost", lambda: not partition()["ac_present"])
    await simulator.poke("ac on")
    await seen.until("AC back", lambda: partition()["ac_present"])

    for name, arm, armed in (
        ("stay", panel.arm_stay_partition, lambda: partition()["armed_stay"]),
        ("away", panel.arm_away_partition, lambda: partition()["armed_away"]),
    ):
        mark = simulator.mark()
        arm("1234", 1)
        await seen.until(f"exit delay ({name})", lambda: partition()["exit_delay"])
        await seen.until(f"armed {name}", armed)
        await simulator.wait("armed", mark, mode=name)
        mark = simulator.mark()
        panel.disarm_partition("1234", 1)
        await seen.until("disarmed", lambda: not armed() and partition()["last_disarmed_by_user"] == 40)
        await simulator.wait("disarmed", mark, slot=40)

    mark = simulator.mark()
    panel.arm_away_partition("1234", 1)
    await simulator.wait("armed", mark)
    panel.disarm_partition("9999", 1)
    await simulator.wait("wrong_code", mark)
    await seen.until("still armed after a wrong code", lambda: partition()["armed_away"])
    await simulator.poke("wait 3")  # as long as the keypad shows that the code was wrong, it takes no other
    await simulator.poke("open 1")
    await seen.until("entry delay", lambda: partition()["entry_delay"])
    panel.disarm_partition("1234", 1)
    await seen.until("disarmed in time", lambda: not partition()["armed_away"])
    await simulator.poke("close 1")

    panel.panic_alarm("Fire")
    await simulator.wait("keypad_alarm", mark, key="fire")
    if complaints.texts:
        raise Failed(f"the library complained: {complaints.texts}")

    panel.stop()
    panel._client.disconnect()  # the library leaves this to the end of the loop
    await simulator.wait("client_gone")
    mark = simulator.mark()
    stranger = client(simulator, seen, password="wrong")
    stranger.start()
    await seen.until("a wrong password is refused", lambda: stranger.logins == ["refused"])
    await simulator.wait("client_gone", mark)
    await simulator.stop()
    print("all seen", flush=True)


main(scenario)
