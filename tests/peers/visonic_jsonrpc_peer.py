"""visonicalarmlocal 0.0.2 (PyPI) and our simulated PowerLink 3 module.

    pip install visonicalarmlocal==0.0.2
    panelgate simulate visonic --interface jsonrpc --listen 127.0.0.1:8181 --partitions 2 --master 1234 --model "PowerMaster 10"
    python visonic_jsonrpc_peer.py http://127.0.0.1:8181/remote/json-rpc

The module is to be fresh: nobody registered, two partitions, nothing armed.
"""

import sys

from visonicalarmlocal import api
from visonicalarmlocal.exceptions import RequestError


def main(url):
    client = api.API(url)
    assert not client.is_authorized(), "nobody is registered yet"
    # The client registers whatever its host name resolves to; the simulator is told not to look at that.
    client.register("user", 1234)
    assert client.is_authorized()
    statuses = client.get_panel_statuses()
    states = [(p["partition"], p["state"], p["statuses"]["readyBit"]) for p in statuses["partitions"]]
    print("partitions:", states, "at", statuses["datetime"])
    assert states == [(1, "DISARM", True), (2, "DISARM", True)]
    for partition in (1, 2):
        assert client.get_panel_state(partition) == {"partition": partition, "state": "DISARM"}
    try:
        client.get_panel_state(7)
        raise AssertionError("there is no partition 7")
    except RequestError as error:
        print("partition 7:", error)
    devices = client.get_devices_config()
    print("devices:", devices)
    assert devices and all(device.location and device.serial for device in devices)


main(sys.argv[1])
