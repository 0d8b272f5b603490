"""Modes in people's words: what an asset does, as a plan, a schedule or an override says it."""

from __future__ import annotations

from collections.abc import Callable

COLOURED = frozenset({"charge", "discharge", "hold", "self-use"})
"""Modes with a colour of their own in a picture."""


def short(_: Callable[[str], str], mode: str) -> str:
    """In one or two words."""
    return {
        "self-use": _("self-use"), "hold": _("hold"), "charge": _("charge"), "discharge": _("discharge"),
        "produce": _("produce"), "curtail": _("curtail"), "off": _("off"), "run": _("run"), "blocked": _("blocked"),
        "normal": _("normal"), "recommended": _("recommended"), "forced": _("forced"), "follow": _("follow"),
    }.get(mode, mode)  # fmt: skip


def sentence(_: Callable[[str], str], mode: str) -> str:
    """As what the site's batteries do now."""
    return {
        "self-use": _("The battery covers the house and takes the surplus"),
        "hold": _("The battery keeps its charge"),
        "charge": _("The battery charges"),
        "discharge": _("The battery discharges"),
        "follow": _("Devices go by their own logic"),
    }.get(mode, mode)
