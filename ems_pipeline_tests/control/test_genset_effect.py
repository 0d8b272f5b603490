"""When a set has obeyed, when it has not, and when nothing can be told yet."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ems_pipeline.control import lead
from ems_pipeline.control.effect import judge
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.control.prepare import difference
from ems_pipeline.control.verdict import Verdict
from ems_pipeline.devices.driver.command import GensetCommand
from ems_pipeline.devices.driver.contract import Echo
from ems_pipeline.sites import Genset, Site
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent
from ems_pipeline_tests.plan.random_sites import START

RUN, REST = GensetCommand("set", True, 100_000.0), GensetCommand("set", False)
OBEYED, DISOBEYED, OPEN = Verdict.OBEYED, Verdict.DISOBEYED, Verdict.OPEN


@pytest.mark.parametrize(
    ("command", "said", "verdict", "text"),
    [
        (RUN, {"genset_power_w": 100_000.0}, OBEYED, ""),
        (RUN, {"genset_power_w": 89_900.0}, OBEYED, ""),
        (RUN, {"genset_power_w": 89_700.0, "engine_state": 9.0}, DISOBEYED, "gives 89700 W, 100000 W are wanted"),
        (RUN, {"genset_power_w": 0.0, "engine_state": 3.0}, OPEN, "it is coming up"),
        (RUN, {"genset_power_w": 0.0, "engine_state": 0.0}, DISOBEYED, "gives nothing, 100000 W are wanted"),
        (RUN, {"genset_power_w": 60_000.0, "engine_state": 9.0, "mains_breaker": 7.0}, OPEN,
         "in an island the load decides what it gives"),
        (RUN, {}, OPEN, "its power is not measured"),
        (REST, {"genset_power_w": 150.0}, OBEYED, ""),
        (REST, {"genset_power_w": 50_000.0, "generator_breaker": 4.0}, OPEN, "it unloads and cools"),
        (REST, {"genset_power_w": 50_000.0, "mode_auto": 1.0}, OPEN, "its own controller has it run"),
        (REST, {"genset_power_w": 50_000.0, "engine_state": 9.0}, DISOBEYED, "gives 50000 W although it is to rest"),
    ],
)  # fmt: skip
def test_a_set_is_judged_by_its_power_and_by_how_far_it_has_come(
    home01: Site, command: GensetCommand, said: dict[str, float], verdict: Verdict, text: str
) -> None:
    found = judge(home01, command, Live(home01, {"set": Observed(said)}))
    assert (found.verdict, found.text) == (verdict, text)


@pytest.mark.parametrize(
    ("lead_s", "before_s", "is_started"),
    [(180, 300, False), (180, 299, True), (180, 180, True), (180, 179, False), (0, 30, False), (600, 700, True)],
)
def test_the_last_look_that_is_early_enough_starts_a_set_for_its_next_quarter_hour(
    home01: Site, monkeypatch: pytest.MonkeyPatch, lead_s: int, before_s: int, is_started: bool
) -> None:
    """Looks are two minutes apart: with a lead of three minutes the one up to five minutes before is the last."""
    genset = Genset(key="g1", device="set", min_power_w=4800, max_power_w=16_000, start_cost=1, fuel_per_kwh=2,
                    lead_s=lead_s)  # fmt: skip
    told = run_lead(home01.model_copy(update={"gensets": (genset,)}), monkeypatch, before_s, standing=())
    assert told == ([GensetCommand("set", True, 4800.0)] if is_started else []), "at its least until then"


def test_a_set_that_runs_already_is_not_started_again(home01: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    genset = Genset(key="g1", device="set", min_power_w=4800, max_power_w=16_000, start_cost=1, fuel_per_kwh=2,
                    lead_s=180)  # fmt: skip
    standing = SimpleNamespace(device="set", is_shadow=False, intent=SimpleNamespace(command=RUN))
    site = home01.model_copy(update={"gensets": (genset,)})
    assert run_lead(site, monkeypatch, 200, (standing,)) == []


def run_lead(site: Site, monkeypatch: pytest.MonkeyPatch, before_s: float, standing: tuple[Any, ...]) -> list[Any]:
    """What is told so long before the next quarter-hour, in which set and inverter are wanted to do something."""
    import asyncio

    told: list[Any] = []
    wanted = [
        Intent("set", RUN, Source.PLAN, "the plan", START + timedelta(minutes=35)),
        SimpleNamespace(device="inverter", command=object(), is_release=False),
    ]

    class Session:
        slot = START
        journal = SimpleNamespace(open=standing)

        async def know(self) -> Live:
            return Live(site, {})

        async def transact(self, work: Any) -> Any:
            return work(None)

        async def carry_out(self, intents: list[Any], _: Live) -> list[Any]:
            told.extend(one.command for one in intents)
            return []

    session: Any = Session()
    session.site = site
    asked: list[Any] = []
    monkeypatch.setattr(lead.authority, "resolve", lambda *_: wanted)
    now = START + timedelta(minutes=15) - timedelta(seconds=before_s)
    asyncio.run(lead.start_early(session, now, lambda *args: asked.append(args[2:])))
    assert asked == ([(START + timedelta(minutes=15), now)] if told else [])
    return told


def test_the_end_of_a_run_that_was_not_taken_is_told_as_an_instant() -> None:
    echo = Echo("run_until", 1_795_970_700.0, 0.0, 0.0, "not read")
    assert difference(echo) == "run_until was to be 2026-11-29 16:45:00 UTC and is nothing"
