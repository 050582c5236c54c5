"""visonicalarmlocal 0.0.2 (PyPI) and our simulated PowerLink 3 module: nobody registered yet, two partitions, nothing armed.

The module stands beside the panel's serial port: what is done at the panel has to show on it.
"""

import asyncio

from visonicalarmlocal import api
from visonicalarmlocal.exceptions import RequestError

from simulator import Failed, Simulator, main

PANEL = ("--listen", "127.0.0.1:0", "--jsonrpc", "127.0.0.1:0", "--model", "PowerMaster 10", "--partitions", "2",
         "--master", "1234")


def same(what, got, expected):
    if got != expected:
        raise Failed(f"{what}: {got!r}, expected {expected!r}")
    print(f"ok: {what}", flush=True)


def talk(client):
    same("nobody is registered yet", bool(client.is_authorized()), False)
    # The client registers whatever its host name resolves to; the simulator is told not to look at that.
    client.register("user", 1234)
    same("registered", bool(client.is_authorized()), True)
    statuses = client.get_panel_statuses()
    states = [(p["partition"], p["state"], p["statuses"]["readyBit"]) for p in statuses["partitions"]]
    same("both partitions are disarmed and ready", states, [(1, "DISARM", True), (2, "DISARM", True)])
    for partition in (1, 2):
        same(f"partition {partition}", client.get_panel_state(partition), {"partition": partition, "state": "DISARM"})
    try:
        client.get_panel_state(7)
    except RequestError as error:
        print(f"ok: there is no partition 7 ({error})", flush=True)
    else:
        raise Failed("there is no partition 7")
    devices = client.get_devices_config()
    same("every device has a place and a serial number",
         bool(devices) and all(device.location and device.serial for device in devices), True)


async def scenario():
    panel = await Simulator.start(*PANEL, vendor="visonic")
    module = await panel.wait("listening", beside=True)
    client = api.API(f"http://{module['addr']}/remote/json-rpc")
    await asyncio.to_thread(talk, client)
    await panel.poke("arm stay 2 1")
    await panel.wait("exit_delay", partition=2)
    statuses = await asyncio.to_thread(client.get_panel_statuses)
    same("partition 2 leaves", [p["state"] for p in statuses["partitions"]], ["DISARM", "EXIT"])
    await panel.stop()
    print("all seen", flush=True)


if __name__ == "__main__":
    main(scenario)
