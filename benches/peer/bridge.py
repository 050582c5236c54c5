"""The pipeline that a person would write in Python: pyenvisalink, one SQLite commit per event, paho-mqtt at QoS 1.

The database is as durable as ours (WAL, synchronous=FULL) and an event is published only after its commit. It does
less than the daemon: no state, no history bound, and what the broker acknowledged is not deleted from the table.
"""

import argparse
import asyncio
import json
import signal
import sqlite3
import time
import uuid

import paho.mqtt.client as mqtt
from pyenvisalink import EnvisalinkAlarmPanel


class Bridge:
    def __init__(self, options):
        self.topic = options.topic
        self.db = sqlite3.connect(options.db, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        self.mqtt = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="peer", protocol=mqtt.MQTTv5)
        self.mqtt.max_inflight_messages_set(64)
        self.mqtt.max_queued_messages_set(0)
        self.mqtt.reconnect_delay_set(1, 1)
        self.mqtt.connect_async(options.broker[0], options.broker[1])
        self.mqtt.loop_start()
        self.panel = EnvisalinkAlarmPanel(
            options.panel[0], options.panel[1], panelType="DSC", envisalinkVersion=4, password="user",
            zoneTimerInterval=0, keepAliveInterval=30, eventLoop=asyncio.get_running_loop())
        self.panel.callback_zone_state_change = self.zone
        self.panel.callback_keypad_update = self.keypad
        self.panel.callback_login_success = lambda _: print("ready", flush=True)
        self.panel.start()

    def zone(self, zone):
        status = self.panel.alarm_state["zone"][zone]["status"]
        self.record({"kind": "zone", "zone": zone, "open": status["open"], "alarm": status["alarm"]})

    def keypad(self, _partitions):
        self.record({"kind": "keypad", "text": self.panel.alarm_state["partition"][1]["status"]["alpha"]})

    def record(self, event):
        event["id"] = str(uuid.uuid4())
        event["at"] = time.time()
        body = json.dumps(event)
        self.db.execute("INSERT INTO outbox (body) VALUES (?)", (body,))
        self.mqtt.publish(self.topic, body, qos=1)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--panel", type=address, required=True)
    parser.add_argument("--broker", type=address, required=True)
    parser.add_argument("--db", required=True)
    parser.add_argument("--topic", default="peer/event")
    bridge = Bridge(parser.parse_args())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    bridge.panel.stop()
    bridge.mqtt.loop_stop()


asyncio.run(main())
