"""Did the set obey? By its power, and where its controller tells by how far it has come. Pure.

A set takes minutes to start, synchronise and load, and a while to unload and cool: meanwhile nothing can be told. That
it does not come up at all is seen by its sequence, which fails and then holds nothing of the plan's any more.
"""

from __future__ import annotations

from ems_pipeline.control.live import Live
from ems_pipeline.control.verdict import MARGIN_W, Effect, Verdict
from ems_pipeline.devices.driver.command import GensetCommand

COMING_UP = frozenset(range(1, 9))
"""Numbers of `engine_state` from pre-heating to waiting for load, as the shipped maps label them."""
RUNNING = 9
COMING_DOWN = frozenset(range(10, 15))
CLOSED, UNLOADING = 3, 4
"""Of a breaker."""
NEAR = 0.1
"""Share of what is wanted within which a load follows its target: the controller shares by percent of rating."""


def judge(command: GensetCommand, live: Live) -> Effect:
    """Whether a set gives what it was told, or rests."""
    power_w = live.of(command.device, "genset_power_w")
    if power_w is None:
        return Effect(Verdict.OPEN, "its power is not measured")
    names = ("engine_state", "generator_breaker", "mains_breaker", "mode_auto")
    said = {name: value for name in names if (value := live.of(command.device, name)) is not None}
    measured = {"genset_power_w": power_w, **said}
    verdict, text = _runs(command.power_w, power_w, said) if command.run else _rests(power_w, said)
    return Effect(verdict, text, measured)


def _runs(wanted_w: float, power_w: float, said: dict[str, float]) -> tuple[Verdict, str]:
    if abs(power_w - wanted_w) <= MARGIN_W + NEAR * wanted_w:
        return Verdict.OBEYED, ""
    if said.get("engine_state") in COMING_UP:
        return Verdict.OPEN, "it is coming up"
    if said.get("mains_breaker", CLOSED) != CLOSED:
        return Verdict.OPEN, "in an island the load decides what it gives"
    if power_w <= MARGIN_W:
        return Verdict.DISOBEYED, f"gives nothing, {wanted_w:.0f} W are wanted"
    return Verdict.DISOBEYED, f"gives {power_w:.0f} W, {wanted_w:.0f} W are wanted"


def _rests(power_w: float, said: dict[str, float]) -> tuple[Verdict, str]:
    if power_w <= MARGIN_W:
        return Verdict.OBEYED, ""
    if said.get("mode_auto") == 1:
        return Verdict.OPEN, "its own controller has it run"
    if said.get("generator_breaker") == UNLOADING or said.get("engine_state") in COMING_DOWN:
        return Verdict.OPEN, "it unloads and cools"
    return Verdict.DISOBEYED, f"gives {power_w:.0f} W although it is to rest"
