"""Modes in people's words: what an asset does, as a plan, a schedule or an override says it."""

from __future__ import annotations

from collections.abc import Callable

COLOURED = frozenset({"charge", "discharge", "hold", "self-use"})
"""Modes with a colour of their own in a picture."""


def _(text: str) -> str:
    """Marks a text for the catalogues; it is said in the reader's language below."""
    return text


SHORT = {
    "self-use": _("self-use"), "hold": _("hold"), "charge": _("charge"), "discharge": _("discharge"),
    "produce": _("produce"), "curtail": _("curtail"), "off": _("off"), "run": _("run"), "blocked": _("blocked"),
    "normal": _("normal"), "recommended": _("recommended"), "forced": _("forced"), "follow": _("follow"),
}  # fmt: skip
SENTENCES = {
    "self-use": _("The battery covers the house and takes the surplus"),
    "hold": _("The battery keeps its charge"),
    "charge": _("The battery charges"),
    "discharge": _("The battery discharges"),
    "follow": _("Devices go by their own logic"),
}
SETS_RUN = _("Generating sets run by the plan")
"""A site without a battery has no other mode than `follow`, also while a plan runs its sets."""


def short(say: Callable[[str], str], mode: str) -> str:
    """In one or two words."""
    return say(SHORT[mode]) if mode in SHORT else mode


def sentence(say: Callable[[str], str], mode: str, genset_kw: float | None = None) -> str:
    """As what the site's batteries do now, or its sets, which are to give ``genset_kw``."""
    if mode == "follow" and genset_kw:
        return say(SETS_RUN)
    return say(SENTENCES[mode]) if mode in SENTENCES else mode
