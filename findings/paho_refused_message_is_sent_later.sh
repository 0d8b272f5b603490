#!/bin/sh
# paho-mqtt 2.2.0: a message of QoS 1 that publish() refuses, because nobody is connected (its code is 4, "The client is not currently
# connected.", and wait_for_publish() raises), is kept and sent once a connection is made. A set-point told as failed reaches the
# device whenever the broker is back, beside the one that was sent instead. With QoS 0, refused in the same words, it is gone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paho-mqtt==2.2.0 amqtt==0.12.1
"$folder/venv/bin/python" -W ignore - <<'END'
import asyncio
import logging
import socket
import threading
from importlib.metadata import version
from amqtt.broker import Broker
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
logging.disable(logging.CRITICAL)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
refused = []
sender = paho.Client(CallbackAPIVersion.VERSION2, "sender")
for qos in (0, 1):
    message = sender.publish("battery/set", f"QoS {qos}", qos=qos)
    try:
        message.wait_for_publish(1)
    except RuntimeError:
        refused.append(message.rc)

async def broker():
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    await Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins}).start()

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
asyncio.run_coroutine_threadsafe(broker(), loop).result(20)
came, is_subscribed, is_over = [], threading.Event(), threading.Event()

def on_message(_client, _data, message):
    came.append(message.payload.decode())
    if came[-1] == "last":
        is_over.set()

reader = paho.Client(CallbackAPIVersion.VERSION2, "reader")
reader.on_message = on_message
reader.on_connect = lambda client, *_: client.subscribe("battery/set", 1)
reader.on_subscribe = lambda *_: is_subscribed.set()
reader.connect("127.0.0.1", port)
reader.loop_start()
assert is_subscribed.wait(20)
sender.on_connect = lambda client, *_: client.publish("battery/set", "last", qos=1)
sender.connect("127.0.0.1", port)
sender.loop_start()
assert is_over.wait(20)
print(f"paho-mqtt {version('paho-mqtt')}: refused with {refused}; came after the connection: {came}")
assert refused == [4, 4], "changed"
assert sorted(came) == ["QoS 1", "last"], "changed"
END
