"""A controller map in words: what is read, what may be told, and what its owner has not confirmed (Markdown)."""

from __future__ import annotations

from collections.abc import Iterator

from ems_pipeline.gensets.map.record import Command, Register
from ems_pipeline.gensets.map.whole import ControllerMap


def described(name: str, whole: ControllerMap) -> str:
    """The map called ``name`` as a page."""
    return "\n".join(_lines(name, whole))


def _lines(name: str, whole: ControllerMap) -> Iterator[str]:
    link, defaults = whole.link, whole.defaults
    order = defaults.word_order.replace("_", " word ")
    yield f"# {name}: {whole.model} ({whole.revision or 'no revision'})"
    yield f"{whole.provenance}. " if whole.provenance else ""
    yield f"- Link: {link.mode}, slave {link.slave}, {link.serial or 'no serial line'}; timeout {link.timeout_s:g} s"
    yield f"- Requests: function {defaults.fc_read}, {defaults.max_block} registers at most; 32 bits: {order}"
    yield f'- "No sensor": {", ".join(map(str, defaults.invalid_raw)) or "no number"}'
    yield f"- Confirmed by its owner: {'yes' if whole.verified else 'no; commands that need it are refused'}"
    yield "\n| value | registers | raw | value is | poll | confirmed |\n|---|---|---|---|---|---|"
    for register in whole.registers:
        yield _register(whole, register)
    yield "\n| status bit | register | bit | confirmed |\n|---|---|---|---|"
    for bit in whole.status_bits:
        yield f"| {bit.name} | {bit.address} | {bit.bit} | {_yes(whole.is_verified(bit))} |"
    if whole.coils:
        yield "\n| read by function 1 | coil | poll | confirmed |\n|---|---|---|---|"
    for coil in whole.coils:
        yield f"| {coil.name} | {coil.address} | {coil.poll} | {_yes(whole.is_verified(coil))} |"
    yield "\n| alarms of | register.bit |\n|---|---|"
    groups = dict.fromkeys(bit.severity for bit in whole.alarm_bits)
    for group in groups:
        own = [f"{bit.name} {bit.address}.{bit.bit}" for bit in whole.alarm_bits if bit.severity is group]
        yield f"| {group} | {', '.join(own)} |"
    yield "\n| command | what goes out | proven by | allowed now |\n|---|---|---|---|"
    for command in whole.commands:
        yield _command(whole, command)


def _register(whole: ControllerMap, register: Register) -> str:
    places = f"{register.address}" if register.size == 1 else f"{register.address}, {register.address + 1}"
    if register.enum is not None:
        meant = ", ".join(f"{number} {word}" for number, word in whole.enums[register.enum].items())
    else:
        offset = f" + {register.offset:g}" if register.offset else ""
        meant = f"raw x {register.scale * register.sign:g}{offset} {register.unit}".rstrip()
        meant += f", {register.valid[0]:g} to {register.valid[1]:g}" if register.valid else ""
        meant += ", turned by `mains_sign`" if register.turns else ""
    is_verified = _yes(whole.is_verified(register))
    return f"| {register.name} | {places} | {register.type} | {meant} | {register.poll} | {is_verified} |"


def _command(whole: ControllerMap, command: Command) -> str:
    if command.kind == "pulse_coil":
        out = f"coil {command.address}: off, {command.off_before_ms} ms, on, {command.on_ms} ms, off"
    else:
        low, high = command.range or (0.0, 0.0)
        out = f"register {command.address}: {low:g} to {high:g} {command.unit} by {command.scale:g}"
    proof = "nothing: unconfirmed"
    if command.verify is not None:
        of = command.verify.bit or f"register {command.verify.register_at}"
        proof = f"{of} within {command.verify.within_s:g} s"
    is_allowed = not command.requires_verified or whole.is_verified(command)
    return f"| {command.name} | {out} | {proof} | {'yes' if is_allowed else 'not before it is confirmed'} |"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
