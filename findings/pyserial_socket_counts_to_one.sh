#!/bin/sh
# pySerial 3.5: of a serial converter opened by socket://host:port, `in_waiting` is 1 whenever anything waits, never the number
# of bytes. The usual read(port.in_waiting) therefore takes a Modbus RTU or meter telegram one byte at a time, and whoever waits until
# in_waiting reaches the frame's length waits for ever. A real serial port counts.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyserial==3.5
"$folder/venv/bin/python" -W ignore - <<'EOF'
import socket
import time
import serial
server = socket.create_server(("127.0.0.1", 0))
port = serial.serial_for_url(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout=1)
device, _ = server.accept()
device.sendall(bytes.fromhex("0103040001 00022a32".replace(" ", "")))
time.sleep(0.3)
waiting = port.in_waiting
first, rest = port.read(port.in_waiting), port.read(8)
print(f"pySerial {serial.__version__}: nine bytes wait, in_waiting says {waiting}; read(in_waiting) gave {len(first)}, then {len(rest)} were there")
assert (waiting, len(first), len(rest)) == (1, 1, 8), "changed"
EOF
