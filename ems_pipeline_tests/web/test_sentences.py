"""Whatever a decision says is read back by the sentence that wrote it, and has its words in every language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import ems_pipeline
from ems_pipeline.plan import Problem, solve
from ems_pipeline.plan.wording.rows import device_rows, slot_rows
from ems_pipeline.sentence import Sentence, setpoints
from ems_pipeline.web.words import alarms
from ems_pipeline.web.words.sentences import EVERY, KNOWN, LIMITS, limited, said
from ems_pipeline_tests.plan.random_sites import problems

FEW = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ROOT = Path(ems_pipeline.__file__).parent
RAISES = {"raise_alarm": 2, "Trouble": 1, "Ledger": 3, "settle_shared": 2, "tell": 0, "Duty": 0}
"""What files an alarm, and which of its arguments is the kind."""


@pytest.mark.parametrize("sentence", EVERY, ids=lambda one: one.text)
def test_every_sentence_is_read_back_as_itself(sentence: Sentence) -> None:
    text = sentence(**dict.fromkeys(sentence.places, "2.50 CZK/kWh"))
    known = LIMITS if sentence in LIMITS.sentences else KNOWN
    assert [one for one, _, _ in known.read(text) or []] == [sentence]


@FEW
@given(problems())
def test_every_reason_and_limit_of_a_plan_is_known(problem: Problem) -> None:
    plan = solve(problem)
    rows, devices = slot_rows(plan), device_rows(plan)
    for reason in {*rows["reason"], *devices["reason"]}:
        assert KNOWN.read(reason), reason
    for wish in plan.unmet:
        assert KNOWN.read(str(wish)), wish
    for name in {name for binding in rows["binding"] for name in binding.split("; ") if name}:
        assert LIMITS.whole(name), name
        assert limited(name, "cs") != name


def test_a_limit_is_said_as_one_though_its_beginning_is_a_limit_too() -> None:
    assert limited("heating power above minimum at most; import", "cs") == (
        "horní mez: výkon heating nad minimem; odběr ze sítě"
    )
    assert limited("who knows", "cs") == "who knows"


def test_a_reason_is_said_in_czech_with_its_figures_actions_and_limits() -> None:
    text = (
        "Charge from the grid at 1.90 CZK/kWh. What binds here: pack charge at most; import at most. "
        "To follow the meter instead would cost about 0.42 CZK more. "
        "To hold or discharge fully is impossible with the other switches as planned."
    )
    assert said(text, "cs") == (
        "Nabíjení ze sítě za 1,90\N{NO-BREAK SPACE}CZK/kWh. "
        "Co zde omezuje: horní mez: nabíjení pack; horní mez: odběr ze sítě. "
        "Jinak (řídit se elektroměrem) by to vyšlo asi o 0,42\N{NO-BREAK SPACE}CZK dráž. "
        "Při ostatních naplánovaných sepnutích nelze: držet nebo vybíjet naplno."
    )


def test_what_was_asked_and_what_came_of_it_is_said_in_czech() -> None:
    text = "no charging at 95 %, maximum 95 % (asked: schedule night: charge; Keep the charge and buy at 2.10 CZK/kWh.)"
    assert said(text, "cs").startswith("při nabití 95\N{NO-BREAK SPACE}% se nenabíjí, nejvýše 95\N{NO-BREAK SPACE}%")
    assert "(žádáno: rozvrh night: nabíjet; Nabití se drží a nakupuje se za 2,10" in said(text, "cs")


def test_why_a_command_failed_is_said_in_peoples_words_in_czech_and_in_english() -> None:
    why = (
        "the controller ended it with the engine energised_to_stop (shutdown: low_oil_pressure); it is not tried "
        "again: look at the set"
    )
    text = f"a plan's command run failed: {why}"
    assert said(text, "cs").startswith(
        "povel plánu chod selhal: řídicí jednotka to ukončila, stav motoru: zastavuje se"
    )
    assert "energised" not in said(text, "en") + said(text, "cs")
    assert said(text, "en").startswith(
        "a plan's command run failed: the controller ended it with the engine being stopped (Oil"
    )
    assert said(f"command start of anna failed: {why}", "cs").startswith("povel start od anna selhal: řídicí")


def test_what_became_of_a_set_point_of_a_set_is_said_in_czech() -> None:
    why = setpoints.OF_A_RUN(why="shutdown: low_oil_pressure stands; remove its cause, then reset")
    text = (
        f"set-point 21 failed: {why}; run_power was to be 48000 and is 0; "
        "run_until was to be 2026-11-29 17:20:00 UTC and is nothing"
    )
    assert said(text, "cs") == (
        "pokyn 21 (selhalo): povel k chodu: trvá výstraha Tlak oleje příliš nízký (okamžité odstavení); odstraňte její "
        "příčinu, pak kvitujte; výkon chodu měl být 48000, je 0; konec chodu měl být 2026-11-29 17:20:00 UTC, je nic"
    )
    assert said("stood already", "cs") == "už tak bylo nastaveno"


@pytest.mark.parametrize("text", ["my own words", "Buy what is missing. And wait.", "", "<b>or</b> so"])
def test_what_nobody_wrote_by_a_sentence_stays_as_it_is(text: str) -> None:
    assert said(text, "cs") == said(text, "en") == limited(text, "cs") == text


def kinds() -> Iterator[tuple[str, str]]:
    """Every kind of alarm that the code files, with the module; of composed ones their begin."""
    for file in ROOT.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = {
            target.id: node.value
            for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }  # fmt: skip
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            place = RAISES.get(name)
            is_other = name == "tell" and "herald" not in ast.unparse(call.func)
            if place is not None and len(call.args) > place and not is_other:
                yield from ((kind, file.name) for kind in _texts(call.args[place], named))


def _texts(node: ast.expr, named: dict[str, ast.expr]) -> Iterator[str]:
    """The begin of each text that an expression may be, as far as its module says."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text
        case ast.JoinedStr(values=[ast.FormattedValue(value=inner), *_]) | ast.BinOp(left=inner):
            yield from _texts(inner, named)
        case ast.Name(id=name) if name in named:
            yield from _texts(named[name], named)
        case ast.Subscript(value=ast.Name(id=name)) if name in named:
            yield from _texts(named[name], named)
        case ast.Dict(values=values):
            for value in values:
                yield from _texts(value, named)


def test_every_kind_of_alarm_has_a_title_and_says_what_to_do() -> None:
    found = set(kinds())
    assert {"not-served", "unplanned", "no-prices", "device-fault", "plan-stopped"} <= {kind for kind, _ in found}
    whole = {kind: where for kind, where in found if not kind.endswith("-")}  # a word follows, each of them has a title
    assert {kind: where for kind, where in whole.items() if alarms.about(kind) is None} == {}
    assert all(alarms.about(f"maintenance-{word}") for word in ("warning", "critical", "overdue", "meter"))
