"""Input no plan can be made of is refused at the door: field, slot, value, remedy; never a traceback, never a plan."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ems_pipeline.arrays import Array
from ems_pipeline.cli.app import app
from ems_pipeline.plan import Problem, ProblemInvalid, problem, solve
from ems_pipeline.plan.problem import (
    ComfortBand,
    Fuse,
    HeatStore,
    HybridInverter,
    PreviousPower,
    Switchboard,
    Unmet,
    Window,
)
from ems_pipeline.plan.problem.accept import FIELDS, accept
from ems_pipeline.plan.record import FormInvalid
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.small import battery, car, genset, heat_pump, house, machine, roof

DOCUMENT = Path(__file__).parents[2] / "docs" / "planner.md"
FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
RECORDS = [record for record in vars(problem).values() if dataclasses.is_dataclass(record)]


def everything() -> Problem:
    """Every record once, four slots."""
    tank = HeatStore("tank", 3.0, 230.0, np.full(4, 20.0), np.zeros(4), 50.0, 42.0, 56.0, 5.0)
    steps = (problem.PowerStep(1000.0, 0.8, 0.8), problem.PowerStep(6000.0, 0.9, 0.9))
    bands = (problem.ChargeBand(5000.0, 0.8, 0.8), problem.ChargeBand(10_000.0, 0.9, 0.9))
    kept = (problem.KeptWithin(0, 2, 2000.0, 8000.0, 0.1),)
    own: dict[str, Any] = {
        "empty_tapers": (problem.EmptyTaper(2000.0, 5000.0, 1.0),), "least_charge_w": 100.0, "lost_per_day": 0.01,
    }  # fmt: skip
    hours = {"peak_slots": 4, "peak_gone_slots": 1, "peak_gone_wh": 200.0, "unbilled_per_kwh": np.full(4, 0.1)}
    event = problem.DemandEvent("event", 0, 2, 5000.0, 1000.0, 0.1)
    return house(
        [0.3] * 4,
        grid={"events": (event,)} | hours,
        pv=(roof([1000.0] * 4),),
        batteries=(
            battery(steps=steps, tapers=(problem.Taper(8000.0, 5000.0, 1.0),)),
            battery("second", bands=bands, kept_within=kept, **own),
        ),
        inverters=(HybridInverter("hybrid", 5000.0, ("roof",), ("pack",)),),
        sessions=(
            car(
                0,
                4,
                2000.0,
                blocked=(Window(1, 2),),
                anywhere_w=np.zeros(4),
                steady=(Window(0, 2),),
                on_the_way=(problem.EnergyBy(2, 500.0),),
            ),
        ),
        heat_pumps=(heat_pump(4, tank=tank, tank_cop=np.full(4, 2.0), bands=(ComfortBand(0, 2, 16.0, 23.0),)),),
        deferrables=(machine([500.0, 500.0], 0, 4),),
        gensets=(genset(blocked=(Window(0, 1),), starts_per_day=2, run_hours_left=3.0, state_slots=1),),
        switchboards=(Switchboard("board", ("diesel",), 500.0),),
        fuses=(Fuse("garage", 9000.0, ("box",)),),
        previous=(PreviousPower("pack", np.zeros(3)),),
        day_breaks=(2,),
        left_out=(Unmet("car", "energy missing at departure", 1.0, "kWh"),),
        courses=(problem.Course(np.full(6, 500.0), np.full(2, 0.3), np.full(2, 0.1)),),
        switched=(
            problem.SwitchedLoad(
                "pool",
                1000.0,
                (problem.RunTime(0, 4, 2, 3),),
                blocked=(Window(1, 2),),
                state_slots=1,
                was_on=False,
                anywhere_w=np.zeros(4),
                most_price_per_kwh=0.2,
            ),
        ),
        load_groups=(problem.LoadGroup("supply", ("pool", "wash")),),
    )


def numbers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every number of a JSON value."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in numbers(item, (*path, key))]
    if isinstance(value, list):
        return [found for at, item in enumerate(value) for found in numbers(item, (*path, at))]
    return [path] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> str:
    changed = json.loads(json.dumps(document))
    inside = changed
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return json.dumps(changed)


def refusal(text: str) -> str:
    with pytest.raises((FormInvalid, ProblemInvalid)) as refused:
        solve(Problem.from_json(text))
    return str(refused.value)


def test_a_problem_with_everything_is_accepted() -> None:
    accept(everything())
    assert {type(record) for record in _records(everything())} == set(RECORDS)


def _records(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return [found for item in value for found in _records(item)]
    if not dataclasses.is_dataclass(value):
        return []
    return [value, *(found for one in dataclasses.fields(value) for found in _records(getattr(value, one.name)))]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, "many", True, [], {}])
def test_every_number_of_a_problem_is_checked_and_named_by_its_path(value: Any) -> None:
    document = json.loads(everything().to_json())
    for path in numbers(document):
        said = refusal(with_value(document, path, value))
        named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
        assert named in said, (named, said)
        assert "give" in said


def test_what_may_not_be_absent_is_named() -> None:
    document = json.loads(everything().to_json())
    optional = {"limit_w", "tank", "tank_cop", "was_on", "state_slots", "starts_per_day", "run_hours_left"}
    optional |= {"anywhere_w", "peak_gone_wh", "most_starts", "most_price_per_kwh"}
    for path in numbers(document):
        if not isinstance(path[-1], int) and path[-1] not in optional:
            assert str(path[-1]) in refusal(with_value(document, path, None))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Problem)])
def test_a_field_of_another_kind_is_refused_by_its_name(name: str) -> None:
    document = json.loads(everything().to_json())
    for value in (7, "text", {"a": 1}, [1, "x"], [[1.0], [2.0]], [None], None):
        if name in ("site", "currency") and isinstance(value, str):
            continue
        assert name in refusal(json.dumps(document | {name: value}))


def test_unknown_and_missing_fields_are_named() -> None:
    document = json.loads(everything().to_json())
    assert "colour is no field" in refusal(json.dumps(document | {"colour": "red"}))
    assert "batteries[1].colour is no field" in refusal(with_value(document, ("batteries", 1, "colour"), 1))
    assert "load_w is missing" in refusal(json.dumps({k: v for k, v in document.items() if k != "load_w"}))
    assert "site is missing" in refusal("{}")
    assert "the JSON is [1]" in refusal("[1]")
    assert "no JSON" in refusal("{")
    assert "no JSON" in refusal("")


Change = Callable[[Problem], Problem]


def of(kind: str, **changes: Any) -> Change:
    """The first record of a kind, changed."""

    def change(given: Problem) -> Problem:
        first, *others = getattr(given, kind)
        return dataclasses.replace(given, **{kind: (dataclasses.replace(first, **changes), *others)})

    return change


def itself(**changes: Any) -> Change:
    return lambda given: dataclasses.replace(given, **changes)


def with_band(*band: Any) -> Change:
    """The first house with another comfort band."""
    store = dataclasses.replace(everything().heat_pumps[0].store, bands=(ComfortBand(*band),))
    return of("heat_pumps", store=store)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (itself(load_w=np.full(3, 500.0)), "load_w has 3 values and buy_per_kwh 4"),
        (itself(buy_per_kwh=np.zeros(0)), "buy_per_kwh has the shape (0,)"),
        (itself(buy_per_kwh=np.array([0.3, np.nan, 0.3, 0.3])), "buy_per_kwh[1] is nan"),
        (itself(load_w=[500.0] * 4), "load_w is [500.0, 500.0, 500.0, 500.0]; give a numpy array"),
        (itself(load_w=np.array(["a"] * 4)), "load_w is"),
        (lambda p: dataclasses.replace(p, start_at=p.start_at.replace(tzinfo=None)), "an instant without a zone"),
        (lambda p: dataclasses.replace(p, start_at=p.start_at + timedelta(minutes=7)), "begin of a quarter-hour"),
        (itself(day_breaks=(0,)), "day_breaks are (0,)"),
        (itself(day_breaks=(3, 2)), "day_breaks are (3, 2)"),
        (itself(previous=(PreviousPower("pack", np.zeros(5)),)), "previous[0].power_w has 5 values"),
        (itself(batteries=(battery(), battery())), "batteries has the key 'pack' 2 times"),
        (of("sessions", max_w=0.0), "sessions[0].max_w is 0; give a number above 0"),
        (of("sessions", min_w=12_000.0), "sessions[0].min_w is 12000 and max_w 11040"),
        (of("sessions", end=9), "sessions[0].end is 9 beyond a horizon of 4 slots"),
        (of("sessions", first=4), "sessions[0] is [4, 4), no slot at all"),
        (of("sessions", later_wh=3000.0), "sessions[0].later_wh is 3000 of energy_wh 2000"),
        (of("sessions", blocked=(Window(0, 9),)), "sessions[0].blocked[0].end is 9"),
        (of("sessions", steady=(Window(3, 3),)), "sessions[0].steady[0] is [3, 3), no slot at all"),
        (of("sessions", anywhere_w=np.zeros(3)), "sessions[0].anywhere_w has 3 values and buy_per_kwh 4"),
        (of("sessions", anywhere_w=np.full(4, -1.0)), "sessions[0].anywhere_w[0] is -1 (and 3 more of its values)"),
        (with_band(0, 9, 16.0, 23.0), "heat_pumps[0].store.bands[0].end is 9 beyond a horizon of 4 slots"),
        (with_band(0, 2, 24.0, 23.0), "heat_pumps[0].store.bands[0].min_c is 24 and max_c 23"),
        (of("deferrables", first=12, end=20), "deferrables[0].end is 20 beyond a horizon of 4 slots"),
        (of("deferrables", profile_w=np.zeros(2)), "deferrables[0].profile_w never draws power"),
        (of("deferrables", profile_w=np.zeros(0)), "deferrables[0].profile_w never draws power"),
        (of("pv", available_w=np.full(4, -1.0)), "pv[0].available_w[0] is -1 (and 3 more of its values)"),
        (of("pv", available_w=np.full((4, 2), 1.0)), "pv[0].available_w has 8 values"),
        (of("inverters", pv=("roof", "roof")), "inverters name 'roof' in pv 2 times"),
        (of("heat_pumps", tank=None), "heat_pumps[0] has tank or tank_cop, not both"),
        (of("heat_pumps", cop=np.zeros(4)), "heat_pumps[0].cop[0] is 0"),
        (of("heat_pumps", state_slots=1.5), "heat_pumps[0].state_slots is 1.5; give a whole number"),
        (of("batteries", floor_wh=9000.0, ceiling_wh=8000.0), "batteries[0] has floor_wh 9000, ceiling_wh 8000"),
        (of("batteries", initial_wh=20_000.0), "batteries[0].initial_wh is 20000"),
        (of("batteries", charge_efficiency=95.0), "batteries[0].charge_efficiency is 95; give a number from 0.01 to 1"),
        (of("batteries", tapers=(problem.Taper(0.0, 5000.0, 1.0),)), "batteries[0].tapers[0] allows -5000 W"),
        (of("batteries", steps=(problem.PowerStep(1000.0, 0.9, 0.9),)), "batteries[0].steps end at [1000.0]"),
        (of("batteries", bands=(problem.ChargeBand(10_000.0, 0.9, 0.9),)), "give one of the two"),
    ],
)  # fmt: skip
def test_fields_that_do_not_fit_are_refused_with_the_remedy(change: Change, said: str) -> None:
    with pytest.raises(ProblemInvalid) as refused:
        solve(change(everything()))
    assert said in str(refused.value)
    assert "numpy.core" not in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ProblemInvalid) as refused:
        accept(dataclasses.replace(everything(), load_w=np.full(4, np.nan), day_breaks=(-1,)))
    assert len(refused.value.faults) == 2


def test_every_number_of_every_record_has_its_bounds() -> None:
    for record in RECORDS:
        hints = get_type_hints(record)
        wanted = {
            name
            for name, kind in hints.items()
            if {float, int, Array} & {kind, *get_args(kind)} and not isinstance(kind, property)
        }
        assert set(FIELDS.get(record, {})) == wanted, record


@FEW
@given(problems())
def test_problems_that_can_be_planned_are_accepted(given_problem: Problem) -> None:
    accept(given_problem)


@FEW
@given(problems(), st.randoms(use_true_random=False))
def test_a_spoilt_problem_is_planned_or_refused_in_words(given_problem: Problem, rng: Any) -> None:
    document = json.loads(given_problem.to_json())
    value = rng.choice([None, -1, 0, 0.5, 3, 1e6, -1e6, "x", [], {}, True])
    text = with_value(document, rng.choice(numbers(document)), value)
    assert outcome(text) in ("optimal", "feasible", "refused")


def outcome(text: str) -> str:
    try:
        return solve(Problem.from_json(text), time_limit_s=1.0, stage2=False, gap=0.5).status
    except (FormInvalid, ProblemInvalid) as refused:
        return "refused" if "; give " in str(refused) else str(refused)


@pytest.mark.parametrize("text", ["{}", "nonsense", "[]", '{"site": 1}'])
def test_the_command_refuses_in_words(text: str, tmp_path: Path) -> None:
    file = tmp_path / "problem.json"
    file.write_text(text)
    result = CliRunner().invoke(app, ["plan", "--problem", str(file)])
    assert result.exit_code != 0
    assert "Traceback" not in result.output


def test_the_document_describes_every_field_of_every_record() -> None:
    section = DOCUMENT.read_text().split("## The problem as JSON")[1].split("\n## ")[0]
    for record in RECORDS:
        name = record.__name__
        table = re.split(rf"\*\*{name}\*\*", section)
        assert len(table) == 2, name
        rows = re.findall(r"^\| `(\w+)` \|", table[1].split("\n\n**")[0], flags=re.MULTILINE)
        assert rows == [field.name for field in dataclasses.fields(record)], name
