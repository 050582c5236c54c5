"""pyvisonic 4.1.1 (PyPI) and our simulated PowerMax and PowerMaster, side by side, over TCP at 9600 baud."""

import asyncio

from pyvisonic import AlPanelCommand, AlPanelMode, AlPanelStatus, VisonicProtocol, VisonicProtocolClient

from simulator import Failed, Sightings, Simulator, main

# The master's code lies in the panel's first slot; the client is given it too, so that it need not pick one.
MASTER = "4711"
ZONES = 6
PANEL = ("--listen", "127.0.0.1:0", "--master", MASTER, "--zones", str(ZONES), "--users", "3", "--set", "exit_seconds=2")
# With the factory's download codes. The client has two of its own, but tries none of them once it was given one.
MODELS = {"PowerMax Complete Part": "5650", "PowerMaster-30": "AAAA"}


class Line(VisonicProtocolClient):
    """The client's own connection; whatever it hears may be what somebody waits for."""

    def __init__(self, vp, seen):
        super().__init__(vp=vp, disconnection_callback=None)
        self._seen = seen

    def data_received(self, data):
        super().data_received(data)
        self._seen.news()


class Client:
    """pyvisonic beside one panel."""

    def __init__(self, model, download_code):
        self.model = model
        self.seen = Sightings()
        self.zones = {}
        loop = asyncio.get_running_loop()
        self.protocol = VisonicProtocol(loop, False, False, download_code=download_code, user_code_slot=0)
        self.protocol.on_panel_change(lambda condition, data: self.seen.news())
        self.protocol.on_problem(lambda reason: self.seen.note(f"{model}: it gives up: {reason!r}"))
        self.protocol.on_new_sensor(self._found)

    def _found(self, created, zone):
        self.zones[zone.id] = zone
        zone.add_callback(lambda zone, condition: self.seen.news())
        self.seen.news()

    async def until(self, what, fits):
        await self.seen.until(f"{self.model}: {what}", fits)

    def do(self, command):
        answer = self.protocol.panel_command(command, MASTER, {0})
        if answer.name != "SUCCESS":
            raise Failed(f"{self.model}: {command.name} was refused by the client: {answer.name}")

    async def is_now(self, status):
        await self.until(status.name, lambda: self.protocol.get_partition_status(0) == status)


async def house(model, download_code):
    panel = await Simulator.start("--model", model, *PANEL, vendor="visonic")
    client = Client(model, download_code)
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(client.protocol, client.seen), "127.0.0.1", panel.port)

    await client.until("PowerLink mode", lambda: client.protocol.get_panel_mode() == AlPanelMode.POWERLINK)
    await panel.wait("powerlink_up")
    await client.until(f"zones 1 to {ZONES}", lambda: sorted(client.zones) == list(range(1, ZONES + 1)))
    await client.is_now(AlPanelStatus.DISARMED)

    for zone in (1, 3):
        await panel.poke(f"open {zone}")
        await client.until(f"zone {zone} is open", lambda: client.zones[zone].is_open is True)
        await panel.poke(f"close {zone}")
        await client.until(f"zone {zone} is closed", lambda: client.zones[zone].is_open is False)

    for command, arming, armed, mode in (
        (AlPanelCommand.ARM_AWAY, AlPanelStatus.ARMING_AWAY, AlPanelStatus.ARMED_AWAY, "away"),
        (AlPanelCommand.ARM_HOME, AlPanelStatus.ARMING_HOME, AlPanelStatus.ARMED_HOME, "stay"),
    ):
        mark = panel.mark()
        client.do(command)
        await client.is_now(arming)
        await client.is_now(armed)
        await panel.wait("armed", mark, partition=1, mode=mode)
        mark = panel.mark()
        client.do(AlPanelCommand.DISARM)
        await client.is_now(AlPanelStatus.DISARMED)
        await panel.wait("disarmed", mark, partition=1)

    client.protocol.shutdown()
    line.close()
    await panel.stop()


async def scenario():
    await asyncio.gather(*(house(*panel) for panel in MODELS.items()))
    print("all seen", flush=True)


if __name__ == "__main__":
    main(scenario)
