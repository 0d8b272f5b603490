#!/bin/sh
# aMQTT 0.12.1 (a broker in pure Python): what was published with QoS 1, and acknowledged, while a client with a persistent session
# was away is gone when it comes back. MQTT 3.1.1 (3.1.2.4) has the server store it; Mosquitto 2.0.11 delivers all five.
# Two overlapping filters of one client get the message twice.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check amqtt==0.12.1 paho-mqtt==2.2.0
"$folder/venv/bin/python" -W ignore - <<'EOF'
import asyncio
import logging
import os
import socket
import time
from importlib.metadata import version
import paho.mqtt.client as mqtt
from amqtt.broker import Broker
logging.disable(logging.CRITICAL)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
def client(name, clean):
    got = []
    c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
    c.on_message = lambda _c, _u, m: got.append((m.payload.decode(), m.qos))
    c.connect("127.0.0.1", port)
    c.loop_start()
    time.sleep(0.5)
    return c, got
def settled(got, least):
    for _ in range(100):
        if len(got) >= least:
            break
        time.sleep(0.1)
    time.sleep(1)  # and nothing more comes
    return got
def work():
    meter, _ = client("meter", True)
    reader, _ = client("reader", False)
    reader.subscribe("grid", 1)
    time.sleep(0.5)
    reader.disconnect()
    reader.loop_stop()
    time.sleep(0.5)
    for value in "12345":
        meter.publish("grid", value, 1).wait_for_publish(5)
    reader, back = client("reader", False)
    settled(back, 5)
    both, twice = client("both", True)
    both.subscribe([("pv/#", 1), ("pv/power", 0)])
    time.sleep(0.5)
    meter.publish("pv/power", "9", 1).wait_for_publish(5)
    settled(twice, 2)
    print(f"aMQTT {version('amqtt')}: five waited, the reader got {[v for v, _ in back]}; overlapping filters: {sorted(twice)}", flush=True)
    return back == [] and sorted(twice) == [("9", 0), ("9", 1)]
async def main():
    listener = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    login = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    await Broker({"listeners": listener, "plugins": login}).start()
    same = await asyncio.get_running_loop().run_in_executor(None, work)
    print("" if same else "changed", flush=True)
    os._exit(0 if same else 1)
asyncio.run(main())
EOF
