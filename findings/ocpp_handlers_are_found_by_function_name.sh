#!/bin/sh
# ocpp 2.1.0: `@on` notes the *name of the function* in one list for all classes, and a connection looks for an attribute of that
# name. A handler that stands in its class under another name than its function's, as what a factory makes does, is never called:
# the message is answered NotImplemented, and nothing says so before.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ocpp==2.1.0
"$folder/venv/bin/python" - <<'EOF'
import asyncio
import json
import logging
import sys
from importlib.metadata import version

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result

logging.disable(logging.CRITICAL)


def answering(message):
    @on(message)
    def heard(self, **_):
        return getattr(call_result, message)()

    return heard


class Server(ChargePoint):
    firmware = answering("FirmwareStatusNotification")

    @on("DiagnosticsStatusNotification")
    def diagnostics(self, **_):
        return call_result.DiagnosticsStatusNotification()


class Wire:
    sent = []

    async def send(self, message):
        self.sent.append(json.loads(message))


async def ask(message):
    server = Server("x", Wire())
    await server.route_message(json.dumps([2, "1", message, {"status": "Idle"}]))
    return Wire.sent.pop()


made, written = (asyncio.run(ask(m)) for m in ("FirmwareStatusNotification", "DiagnosticsStatusNotification"))
print("ocpp", version("ocpp"))
print("made by a factory:   ", made[:3])
print("written in the class:", written)
sys.exit(0 if made[2] == "NotImplemented" and written == [3, "1", {}] else 1)
EOF
