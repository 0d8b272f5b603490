#!/bin/sh
# minimalmodbus 2.1.1: write_register(value, number_of_decimals) multiplies and cuts instead of rounding, so that what read_register() gave
# is not what goes back: 0.29 with two decimals is 28, a limit of 4.35 is 434. Read, kept and written again, a set-point has sunk by
# a step: 573 of the 10,000 values from 0.00 to 99.99 have. With one decimal none has; a value that was computed, 0.1 + 0.7, has.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check minimalmodbus==2.1.1 pyserial==3.5
"$folder/venv/bin/python" - <<'END'
import minimalmodbus
import serial

class Device:
    """One holding register behind a serial line; answers functions 3 and 6 as a Modbus device does."""

    register = 0
    timeout, baudrate, port, is_open = 0.05, 19200, "bus", True
    answer = b""

    def reset_input_buffer(self): ...
    def reset_output_buffer(self): ...
    def open(self): ...
    def close(self): ...

    def write(self, request):
        self.answer = request
        if request[1] == 6:
            self.register = int.from_bytes(request[4:6], "big")
        else:
            told = bytes([request[0], 3, 2]) + self.register.to_bytes(2, "big")
            self.answer = told + minimalmodbus._calculate_crc(told)

    def read(self, _count):
        return self.answer

device = Device()
instrument = minimalmodbus.Instrument(device, 1)

def back(register, decimals):
    device.register = register
    instrument.write_register(0, instrument.read_register(0, decimals), decimals, functioncode=6)
    return device.register

instrument.serial.baudrate = 10_000_000  # no pause between telegrams
seen = {register: back(register, 2) for register in (29, 435, 57)}
sunk = [sum(back(register, decimals) != register for register in range(10_000)) for decimals in (1, 2)]
instrument.write_register(0, 0.1 + 0.7, 1, functioncode=6)
print(f"minimalmodbus {minimalmodbus.__version__}: read and written back {seen}; sunk of 10,000: {sunk}; 0.1 + 0.7 is {device.register}")
assert seen == {29: 28, 435: 434, 57: 56}, "changed"
assert sunk == [0, 573], "changed"
assert device.register == 7, "changed"
END
