"""How a device says no: with a protocol exception, or by saying nothing."""

from __future__ import annotations

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, BUSY = 1, 2, 3, 4, 6


class Refused(Exception):
    """A protocol exception as the answer; ``code`` as in the Modbus application protocol, section 7."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Silent(Exception):
    """No answer at all."""
