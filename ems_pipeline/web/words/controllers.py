"""Words of controllers of generating sets in people's words; one that is not known here stands as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ems_pipeline.gensets.alarms import titles
from ems_pipeline.gensets.states import AlarmGroup


def _(text: str) -> str:
    """Marks a text for the catalogues; it is said in the reader's language below."""
    return text


ENGINE = {
    "standby": _("at rest"), "preheat": _("preheating"), "fuel_on": _("fuel on"), "cranking": _("cranking"),
    "crank_rest": _("resting between attempts"), "safety_run": _("started, protections not yet on"),
    "start_idle": _("idling after the start"), "warming_up": _("warming up"),
    "wait_load": _("ready, waits for the breaker"), "running": _("running"), "cooling": _("cooling down"),
    "stop_idle": _("idling before the stop"), "energised_to_stop": _("being stopped"),
    "wait_stop": _("coming to rest"), "post_stop": _("stopped, settling"), "stop_failure": _("did not stop"),
}  # fmt: skip
BREAKER = {
    "synchronising": _("synchronising"), "close_delay": _("about to close"), "wait_close": _("closing"),
    "closed": _("closed"), "unloading": _("unloading"), "open_delay": _("about to open"), "wait_open": _("opening"),
    "open": _("opened"),
}  # fmt: skip
MAINS = {
    "normal": _("normal"), "normal_delay": _("returning"), "abnormal": _("at fault"), "abnormal_delay": _("failing"),
}  # fmt: skip
MODE = {"auto": _("AUTO"), "manual": _("MANUAL"), "stop": _("STOP"), "test": _("TEST")}
LINK = {
    "good": _("heard"), "stale": _("answers in part"), "down": _("link lost"), "unheard": _("not polled now"),
    "never": _("never heard"),
}  # fmt: skip
COMMAND = {
    "start": _("start"), "stop": _("stop"), "auto": _("to AUTO"), "manual": _("to MANUAL"), "power": _("power"),
    "mute": _("mute the horn"), "reset": _("reset alarms"), "run": _("run"), "release": _("let go"),
}  # fmt: skip
OUTCOME = {"failed": _("failed"), "reverted": _("undone by the device"), "expired": _("expired")}
KEY = {**COMMAND, "auto": MODE["auto"], "manual": MODE["manual"]}
STATE = {
    "confirmed": _("confirmed, about to begin"), "running": _("under way"), "backing-out": _("backs out"),
    "done": _("done"), "failed": _("failed"), "refused": _("refused"), "cancelled": _("taken back"),
    "shadow": _("shadow: not told"),
}  # fmt: skip
PLACES: Mapping[str, Mapping[str, str]] = {
    "engine": ENGINE, "breaker": BREAKER, "mains": MAINS, "mode": MODE, "left": MODE, "link": LINK, "kind": COMMAND,
    "kinds": COMMAND, "key": KEY, "state": STATE,
    "outcome": OUTCOME,
}  # fmt: skip
"""By the place of a sentence (`sentence.gensets`) that holds one of them, or several with a comma between."""
BETWEEN, OF_GROUP = ", ", ": "


def spoken(say: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """All of them in a language, for templates."""
    return {place: {word: say(text) for word, text in known.items()} for place, known in PLACES.items()}


def in_place(say: Callable[[str], str], place: str, value: str) -> str | None:
    """What a sentence says in a place of controllers' words; None: it is no such place, or a word is not known."""
    if place == "alarms":
        return BETWEEN.join(alarm(say, one) for one in value.split(BETWEEN))
    known = PLACES.get(place, {})
    words = value.split(BETWEEN)
    return BETWEEN.join(say(known[word]) for word in words) if all(word in known for word in words) else None


def alarm(say: Callable[[str], str], said: str) -> str:
    """An alarm as a sequence names it: ``group: name``, or its name."""
    group, _parted, name = said.rpartition(OF_GROUP)
    title = say(titles.TITLES[name]) if name in titles.TITLES else name
    return f"{title} ({say(titles.GROUPS[AlarmGroup(group)])})" if group in set(AlarmGroup) else title
