"""What may be told a controller from afar at all. A map that offers anything else is refused: no file opens it again.

Never: the emergency stop (coil 15), the breakers (5 to 7: the controller synchronises, and two of them toggle), TEST
(2), the keys of the panel, and every register but the set-points. Source: the project's rules of operation.
"""

from __future__ import annotations

from collections.abc import Mapping

COILS = frozenset({0, 1, 3, 4, 12, 17})
"""Start, stop, AUTO, MANUAL, mute, alarm reset, alike in the whole family."""
REGISTERS: Mapping[str, frozenset[int]] = {
    "HGM9510N": frozenset({4368, 4370}),
    "HGM9520N": frozenset({4368, 4370}),
    "HGM9530N": frozenset({4368, 4370}),
    "HGM9560": frozenset({4351, 4352, 4354}),
}
"""Set-points by model; the three of the N series share one protocol document. No other model is written to."""
PULSED = ("start", "stop", "auto", "manual", "mute", "reset")
WRITTEN = ("power_setpoint_pct", "reactive_setpoint_pct", "load_mode")
COMMANDS = (*PULSED, *WRITTEN)
"""All commands there are, by name."""


def refused(model: str, name: str, kind: str, address: int) -> str:
    """Why a command must not be offered; empty where it may."""
    if name not in COMMANDS:
        return f"is no command; there are {', '.join(COMMANDS)}"
    wanted = "pulse_coil" if name in PULSED else "write_register"
    if kind != wanted:
        return f"is of kind {kind}, and {name} is a {wanted}; change the kind"
    allowed = COILS if name in PULSED else REGISTERS.get(model, frozenset())
    if address in allowed:
        return ""
    what = "coil" if name in PULSED else "register"
    may = ", ".join(str(one) for one in sorted(allowed)) or "none"
    return f"offers {what} {address}, which is never written from afar on {model}; allowed: {may}; remove it"
