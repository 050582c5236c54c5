"""Frames a second of pyenvisalink's parser and of its encoder, on the frames of a file, one a line.

The parser cuts a line up and looks the name of its handler up; it does not check the checksum and leaves the data as
text. What the data means is found by the handlers: `handled` is the whole way, from bytes to the state of the panel.
Prints one JSON object.
"""

import json
import platform
import sys
import time
from importlib.metadata import version

from pyenvisalink import EnvisalinkAlarmPanel
from pyenvisalink.dsc_client import DSCClient


class Sink(DSCClient):
    """A client whose line goes nowhere."""

    def send_data(self, data):
        self.sent = (data + "\r\n").encode("ascii")


def rate(seconds, frames, once):
    rounds, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        once()
        rounds += 1
    return rounds * frames / (time.perf_counter() - began)


def main():
    path, seconds = sys.argv[1], float(sys.argv[2])
    capture = open(path, "rb").read()
    client = Sink(EnvisalinkAlarmPanel("nowhere"), None)
    frames = capture.count(b"\n")

    def decode():
        for line in capture.decode("ascii").split("\r\n"):
            if line:
                client.parseHandler(line)

    def handle():
        for start in range(0, len(capture), 1024):
            client.data_received(capture[start:start + 1024])

    def encode():
        for _ in range(250):
            client.send_command("000", "")
            client.send_command("001", "")
            client.send_command("071", "1*1#")
            client.send_command("030", "1")

    decode_rate = rate(seconds, frames, decode)
    handled_rate = rate(seconds, frames, handle)
    encode_rate = rate(seconds, 1000, encode)
    versions = {name: version(name) for name in ("pyenvisalink", "paho-mqtt")}
    rates = {"decode": decode_rate, "handled": handled_rate, "encode": encode_rate}
    print(json.dumps({**rates, "python": platform.python_version(), **versions}))


main()
