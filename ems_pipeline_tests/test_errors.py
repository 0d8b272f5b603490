"""Every error that people read says what mends it; the others are named here."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import ems_pipeline
from ems_pipeline.errors import EmsError

ROOT = Path(ems_pipeline.__file__).parent
NOT_READ = {
    "api.live.hub.TooSlow": "ends one listener",
    "api.live.parley.Ended": "ends a conversation, with the code and the reason of its close frame",
    "api.once.Again": "has the answer of the first time",
    "api.rest.grammar.AggregatesRefused": "PostgREST's own words, which have no remedy but a hint",
    "api.rest.reader.BadQuery": "the same",
    "api.rest.refusals.Refused": "the same",
    "devices.ocpp.station.NotTaken": "a charger's own word; the driver says what it means",
    "bitrix.refusal.Refused": "a portal's own words; what is to be done is said by the alarm",
    "gensets.link.tell.CommandRefused": "becomes the reason of a step in the journal of commands",
    "devices.local_socket.NotOurs": "becomes a device fault with its text",
    "plant.marstek_twin.Refusal": "an answer of the twin, by its number",
    "api.tokens.NotTaken": "a word for programs; the caller says what it means",
    "cli.aside.Interrupted": "a signal",
    "control.lifecycle.IllegalStep": "a fault of the program",
    "control.permit.Withdrawn": "lets a device go; the reason is journalled",
    "scada.sequences.Withheld": "an action is not told; the reason is journalled",
    "devices.driver.contract.DeviceFault": "becomes the quality and the reason of a reading",
    "http.conversation.SentOn": "becomes an HttpError",
    "http.conversation.TooLarge": "the same",
    "http.conversation.TooSlow": "the same",
    "plant.bitrix_said.Fault": "a refusal of a portal, as the answer",
    "plant.refusals.Refused": "an exception of Modbus, as the answer",
    "plant.refusals.Silent": "no answer at all",
    "plant.smtp_twin._Cut": "the line is cut",
    "steps.contest.NotCompared": "becomes the reason why a day is not compared",
    "steps.regretting.NotSplit": "becomes the reason why a day is not split",
    "warehouse.engine.Blocked": "patience is over; whoever waited says what follows",
    "warehouse.setpoints.StaleStep": "another controller is at work, and this one leaves",
}
"""Errors that steer the program, and why they have no remedy."""


def loaded(path: Path) -> ModuleType:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def classes() -> Iterator[type[BaseException]]:
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "alembic_env" in path.parts or "class " not in source:
            continue
        names = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and node.bases]
        found = [getattr(loaded(path), name, None) for name in names]
        yield from (one for one in found if inspect.isclass(one) and issubclass(one, BaseException))


ALL = list(classes())
OURS = {one.__name__: one for one in ALL if issubclass(one, EmsError)}


def test_an_error_is_of_the_base_or_is_named_with_a_reason() -> None:
    others = {f"{one.__module__}.{one.__qualname__}".removeprefix("ems_pipeline.") for one in ALL} - {
        f"{one.__module__}.{one.__qualname__}".removeprefix("ems_pipeline.") for one in OURS.values()
    }
    assert others == set(NOT_READ)
    assert len(OURS) > 40


def made(path: Path) -> Iterator[tuple[ast.Call, type[EmsError]]]:
    """Where errors of ours are made, by the names of their classes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            if name in OURS and getattr(loaded(path), name, OURS[name]) is OURS[name]:  # not a namesake
                yield node, OURS[name]


def names_a_remedy(call: ast.Call, error: type[EmsError]) -> bool:
    if error.usual:
        return True
    parameters = list(inspect.signature(error).parameters.values())
    given = dict(zip([p.name for p in parameters], call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return True  # a pair of both
    remedy = given.get("remedy")
    asked = next((p for p in parameters if p.name == "remedy"), None)
    if asked is None:  # it has one of its own
        return "__init__" in vars(error)
    return remedy is not None and not (isinstance(remedy, ast.Constant) and not remedy.value)


def test_every_error_that_is_made_says_what_mends_it() -> None:
    silent = [
        f"{path.relative_to(ROOT)}, line {call.lineno}: {error.__name__}"
        for path in sorted(ROOT.rglob("*.py"))
        for call, error in made(path)
        if not names_a_remedy(call, error)
    ]
    assert not silent, "\n".join([*silent, "give a remedy, or a `usual` one to the class"])


def test_the_text_ends_with_the_remedy() -> None:
    class Wrong(EmsError):
        usual = "correct it"

    assert str(EmsError("it is red, green was meant", "paint it")) == "it is red, green was meant; paint it"
    assert str(EmsError("it is red:", "paint it")) == "it is red: paint it"
    assert (str(Wrong("it is red")), Wrong("it is red").remedy) == ("it is red; correct it", "correct it")
    assert str(Wrong("it is red", "paint it")) == "it is red; paint it"
    listed = Wrong("1. it is red: paint it", is_told=True)
    assert (str(listed), listed.what, listed.remedy) == (
        "1. it is red: paint it",
        "1. it is red: paint it",
        "correct it",
    )
