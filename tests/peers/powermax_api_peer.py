"""powermax-api (of the Homey app com.visonic.powermax) under Node and our simulated PowerMax over TCP at 9600 baud.

The only argument is the folder of powermax-api.
"""

import asyncio
import pathlib
import sys

from simulator import Failed, Simulator, main

CLIENT = pathlib.Path(__file__).with_name("powermax_api_client.js")
ZONES = 6
PANEL = ("--listen", "127.0.0.1:0", "--master", "4711", "--zones", str(ZONES), "--users", "3", "--set", "exit_seconds=2")
MODELS = ("PowerMax Pro", "PowerMax Complete Part")


async def house(model):
    panel = await Simulator.start("--model", model, *PANEL, vendor="visonic")
    client = await Simulator.spawn("node", "--no-deprecation", str(CLIENT), sys.argv[1], str(panel.port))

    async def seen(what, event, start=0, **fields):
        line = await client.wait(event, start, **fields)
        print(f"ok: {model}: {what}", flush=True)
        return line

    powerlink = await seen("PowerLink mode", "powerlink", mode=True)
    await panel.wait("download_ended")
    if powerlink["zones"] != list(range(1, ZONES + 1)):
        raise Failed(f"{model}: the client found zones {powerlink['zones']}")
    print(f"ok: {model}: the client calls it {powerlink['type']}, with zones 1 to {ZONES}", flush=True)
    await seen("disarmed", "status", text="Disarmed")

    for zone in (1, 3):
        for word, is_open in (("open", True), ("close", False)):
            mark = client.mark()
            await panel.poke(f"{word} {zone}")
            await seen(f"zone {zone}: {word}", "zone", mark, zone=zone, open=is_open)

    for word, text, mode in (("arm", "Armed Away", "away"), ("stay", "Armed Home", "stay")):
        mark, there = client.mark(), panel.mark()
        await client.poke(word)
        await seen(text, "status", mark, text=text, armed=True)
        await panel.wait("armed", there, partition=1, mode=mode)
        mark, there = client.mark(), panel.mark()
        await client.poke("disarm")
        await seen("Disarmed", "status", mark, text="Disarmed", armed=False)
        await panel.wait("disarmed", there, partition=1)

    await client.stop()
    await panel.stop()


async def scenario():
    await asyncio.gather(*(house(model) for model in MODELS))
    print("all seen", flush=True)


if __name__ == "__main__":
    main(scenario)
