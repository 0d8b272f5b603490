"""Planner against the solver's limit: money, time and memory on a family of problem files.

``python benchmarks/planner.py --problems DIR --out DIR [--runs 5] [--json FILE] [--reference FILE] [--fleet 1000]``

Each ``*.json`` problem (in kW: prices, PV, load, battery, deferrable runs, cars, heat pump) becomes a `Problem`, is
planned, verified, and written as ``DIR/<id>.json`` with its schedule in kW. ``total_s`` is the median, over the runs,
of everything between a problem and a schedule in memory. A re-plan is the same problem with inputs moved by up to 2 %:
from nothing, from the plan before it, and that to the gap of a rolling plan. With ``--reference`` a Python file whose
``solve(problem, mode, gap, threads)`` states the same problem straight to the solver runs alternately with ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import random
import resource
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import Plan, Problem, solve, verify
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    DeferrableRun,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PreviousPower,
    PvSource,
)

GAP = 1e-4
ROLLING = {"gap": 1e-3, "tolerance": 2e-3}
"""What counts as good enough for a plan that is made again in a quarter of an hour (the asset `rolling_plan`)."""
NEVER = 1e4
"""Price of what these problems demand without exception."""
Json = dict[str, Any]


def to_problem(p: Json) -> Problem:
    """The planning problem in a problem file; its Euler step of the house becomes the exact decay of our store."""
    n, battery, pump = p["n"], p["battery"], p["heat_pump"]
    full = np.ones(n)
    capacity_wh = units.from_kilo(battery["capacity_kwh"])
    return Problem(
        site=p["id"],
        currency="EUR",
        start_at=datetime.fromisoformat(p["start"]),
        buy_per_kwh=np.array(p["buy_eur_kwh"]),
        sell_per_kwh=np.array(p["sell_eur_kwh"]),
        load_w=_w(p["load_kw"]),
        grid=GridLimits(_w(p["grid"]["import_max_kw"]) * full, _w(p["grid"]["export_max_kw"]) * full),
        pv=(PvSource("pv", _w(p["pv_kw"])),),
        batteries=(
            BatteryStore(
                "battery",
                capacity_wh,
                float(_w(battery["charge_max_kw"])),
                float(_w(battery["discharge_max_kw"])),
                battery["eta_charge"],
                battery["eta_discharge"],
                battery["soc_min"] * capacity_wh,
                battery["soc_max"] * capacity_wh,
                battery["soc_init"] * capacity_wh,
                end_floor_wh=battery["soc_final_min"] * capacity_wh,
                outside_price_per_kwh=NEVER,
            ),
        ),
        sessions=tuple(_session(i, car) for i, car in enumerate(p["ev"])),
        heat_pumps=(_heat_pump(p),) if pump else (),
        deferrables=tuple(_machine(machine) for machine in p["deferrable"]),
        exclusive=p["exclusive"],
    )


def _w(kw: Any) -> Any:
    return units.from_kilo(np.asarray(kw, dtype=float))


def _session(number: int, car: Json) -> ChargingSession:
    first, end = car["window"]
    low, high, energy = (float(_w(car[k])) for k in ("power_min_kw", "power_max_kw", "energy_kwh"))
    return ChargingSession(f"car {number}", "box", first, end, energy, low, high, unmet_price_per_kwh=NEVER)


def _machine(machine: Json) -> DeferrableRun:
    profile_w = np.full(machine["steps"], float(_w(machine["power_kw"])))
    return DeferrableRun(machine["name"], profile_w, *machine["window"], skip_price=NEVER)


def _heat_pump(p: Json) -> HeatPumpUnit:
    pump, outdoor_c = p["heat_pump"], np.array(p["t_out_c"])
    loss, capacity = pump["ua_kw_per_k"], pump["c_kwh_per_k"]
    supply_c = pump["supply_c"]
    store = HeatStore(
        "house",
        float(_w(loss)),
        float(_w(-p["dt_h"] * loss / np.log1p(-p["dt_h"] * loss / capacity))),
        outdoor_c,
        np.zeros(p["n"]),
        pump["t_init_c"],
        pump["t_min_c"],
        pump["t_max_c"],
        outside_price_per_kh=NEVER,
        end_floor_c=pump["t_final_min_c"],
    )
    cop = pump["carnot_eff"] * units.kelvin(supply_c) / (supply_c - outdoor_c)
    return HeatPumpUnit("pump", float(_w(pump["power_min_kw"])), float(_w(pump["power_max_kw"])), cop, store)


def schedule(plan: Plan) -> Json:
    """Powers in kW, in the form of the problem files."""
    found: Json = {
        "pv_used": units.kilo(plan.pv_w[0]).tolist(),
        "charge": units.kilo(plan.charge_w[0]).tolist(),
        "discharge": units.kilo(plan.discharge_w[0]).tolist(),
        "deferrable": units.kilo(plan.deferrable_w).tolist(),
        "ev": units.kilo(plan.session_w).tolist(),
    }
    return found | ({"heat_pump": units.kilo(plan.heat_pump_w[0]).tolist()} if len(plan.heat_pump_w) else {})


def timed(p: Json, stage2: bool, before: Plan | None = None, **close: float) -> tuple[float, Plan, Json]:
    """Seconds from problem to schedule, the plan and the schedule; ``before``: the plan to start from."""
    wanted = previous(before) if before else ()  # an input like prices and load
    begun = perf_counter()
    problem = dataclasses.replace(to_problem(p), previous=wanted)
    plan = solve(problem, time_limit_s=120.0, stage2=stage2, **({"gap": GAP} | close))
    planned = schedule(plan)
    return perf_counter() - begun, plan, planned


def previous(plan: Plan) -> tuple[PreviousPower, ...]:
    """What the plan wanted of each asset; a charger's sessions together."""
    problem = plan.problem
    powers = [
        *zip((b.key for b in problem.batteries), plan.discharge_w - plan.charge_w, strict=True),
        *zip((s.charger for s in problem.sessions), plan.session_w, strict=True),
        *zip((h.key for h in problem.heat_pumps), plan.heat_pump_w, strict=True),
        *zip((m.key for m in problem.deferrables), plan.deferrable_w, strict=True),
    ]
    keys = dict.fromkeys(key for key, _ in powers)
    return tuple(PreviousPower(key, sum(w for k, w in powers if k == key)) for key in keys)


def jittered(p: Json, rng: random.Random) -> Json:
    """The same problem a quarter of an hour wiser: prices, PV and load moved by up to 2 %."""
    moved = {k: [v * (1 + rng.uniform(-0.02, 0.02)) for v in p[k]] for k in ("buy_eur_kwh", "pv_kw", "load_kw")}
    return p | moved


def measure(p: Json, runs: int, reference: Any, modes: list[str]) -> tuple[Json, Json]:
    """Figures of one problem and its result document; ours and the reference's modes take turns."""
    names = ("ours", "stage 2", "from nothing", "re-plan", "rolling re-plan")
    seconds: dict[str, list[float]] = {name: [] for name in names}
    raw: dict[str, Json] = {}
    rng, parts, dearer = random.Random(7), [], []
    for _ in range(runs):
        total_s, plan, planned = timed(p, stage2=False)
        seconds["ours"].append(total_s)
        parts.append((plan.build_s, plan.solve_s))
        seconds["stage 2"].append(timed(p, stage2=True)[0])
        moved = jittered(p, rng)
        elapsed_s, best_plan, _ = timed(moved, stage2=False)
        seconds["from nothing"].append(elapsed_s)
        seconds["re-plan"].append(timed(moved, stage2=False, before=plan)[0])
        elapsed_s, rolling, _ = timed(moved, stage2=False, before=plan, **ROLLING)
        seconds["rolling re-plan"].append(elapsed_s)
        dearer.append(_above_pct(rolling.objective, best_plan.objective))
        for mode in modes if reference and p["exclusive"] else ["full"] if reference else []:
            raw[mode], _ = reference.solve(p, mode, GAP, 1, 120.0)
            seconds.setdefault(mode, []).append(raw[mode]["total_s"])
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    build_s, solve_s = (statistics.median(values) for values in zip(*parts, strict=True))
    refused = [str(v) for v in verify(to_problem(p), plan)]
    fastest = min((middle[m] for m in raw), default=None)
    best = min((raw[m]["objective"] for m in raw), default=None)
    document = {
        "id": p["id"], "solver": "ems-pipeline", "gap": GAP, "total_s": middle["ours"], "build_s": build_s,
        "solve_s": solve_s, "objective": plan.objective, "schedule": planned,
    }  # fmt: skip
    line = document | {
        "status": plan.status, "refused": refused, "stage2_s": middle["stage 2"], "replan_s": middle["re-plan"],
        "rolling_s": middle["rolling re-plan"], "afresh_s": middle["from nothing"],
        "rolling_above_pct": statistics.median(dearer),
        "reference_s": fastest, "reference_objective": best,
    }  # fmt: skip
    return line, document


def one_site(p: Json) -> tuple[str, float]:
    """A worker's share of the fleet: plan one site; peak memory of the process, MB."""
    plan = solve(to_problem(p), stage2=False)
    return plan.status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fleet(problems: list[Json], count: int) -> list[Json]:
    """Plan ``count`` sites of kind b in one pool of two processes."""
    family = [p for p in problems if p["kind"] == "b"]
    if not family or not count:
        return []
    rng = random.Random(11)
    sites = [jittered(family[i % len(family)], rng) for i in range(count)]
    begun = perf_counter()
    with ProcessPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(one_site, sites, chunksize=20))
    seconds = perf_counter() - begun
    failed = sum(status != "optimal" for status, _ in results)
    return [
        figure(f"{count} sites of kind b, two processes", seconds, "s", 60.0),
        figure("peak memory of a planning process", max(mb for _, mb in results), "MB", 200.0),
        figure("sites without an optimal plan", failed, "sites", 0.0),
    ]


def figure(name: str, value: float | None, unit: str, reference: float | None) -> Json:
    """One line of the report."""
    ratio = value / reference if value is not None and reference else None
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio}


def figures(lines: list[Json]) -> list[Json]:
    """Per problem and per kind what is compared."""
    found = []
    for line in lines:
        found.append(figure(f"{line['id']} objective", line["objective"], "EUR", line["reference_objective"]))
        found.append(figure(f"{line['id']} total", line["total_s"], "s", line["reference_s"]))
    for kind in sorted({line["id"].rsplit("-", 1)[0] for line in lines}):
        group = [line for line in lines if line["id"].startswith(kind + "-")]
        timings = ("total_s", "stage2_s", "replan_s", "rolling_s", "afresh_s", "reference_s")
        middle = {k: _median(line[k] for line in group) for k in timings}
        found.append(figure(f"{kind} median total", middle["total_s"], "s", middle["reference_s"]))
        found.append(figure(f"{kind} median total with stage 2", middle["stage2_s"], "s", middle["reference_s"]))
        found.append(figure(f"{kind} median re-plan", middle["replan_s"], "s", middle["total_s"]))
        found.append(figure(f"{kind} median re-plan against from nothing", middle["replan_s"], "s", middle["afresh_s"]))
        found.append(figure(f"{kind} median rolling re-plan", middle["rolling_s"], "s", middle["total_s"]))
        above = [line["rolling_above_pct"] for line in group]
        found.append(figure(f"{kind} rolling re-plan above the optimum, median", _median(above), "%", 0.1))
        excess = [_excess_pct(line) for line in group]
        found.append(figure(f"{kind} objective above the reference, worst", max(excess, default=None), "%", 0.01))
    return found


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _excess_pct(line: Json) -> float:
    best = line["reference_objective"]
    return 0.0 if best is None else _above_pct(line["objective"], best)


def _above_pct(objective: float, best: float) -> float:
    return 100.0 * (objective - best) / max(abs(best), 0.5)


def load_reference(path: Path) -> Any:
    """The reference's module, with its own folder importable."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("planner_reference", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file; name the reference's file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Run the family, write the schedules, print and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=Path, required=True, help="folder with problem files (*.json)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the schedules")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--reference", type=Path, help="Python file with solve(problem, mode, gap, threads, limit)")
    parser.add_argument(
        "--modes", default="tuned", help="reference modes to race; the fastest counts (full,net,lazy,tuned)"
    )
    parser.add_argument("--fleet", type=int, default=0, help="also plan so many sites of kind b in two processes")
    args = parser.parse_args()
    problems = [json.loads(path.read_text()) for path in sorted(args.problems.glob("*.json"))]
    reference = load_reference(args.reference) if args.reference else None
    args.out.mkdir(parents=True, exist_ok=True)
    timed(problems[0], stage2=True)  # warms the process: imports, allocator
    lines = []
    for p in problems:
        line, document = measure(p, args.runs, reference, args.modes.split(","))
        (args.out / f"{p['id']}.json").write_text(json.dumps(document) + "\n")
        lines.append(line)
        _print(line)
    found = figures(lines) + fleet(problems, args.fleet)
    for row in found:
        if " total" not in row["name"] or "median" in row["name"]:
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
            print(f"{row['name']:48s} {row['value']!s:>24s} {row['unit']:4s} {row['reference']!s:>24s} {ratio}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


def _print(line: Json) -> None:
    ratio = "" if line["reference_s"] is None else f" x{line['total_s'] / line['reference_s']:.2f}"
    print(
        f"{line['id']:12s} {line['status']:9s} {line['objective']:10.5f} EUR  build {1e3 * line['build_s']:6.2f} ms  "
        f"solve {1e3 * line['solve_s']:8.2f} ms  total {1e3 * line['total_s']:8.2f} ms{ratio}  "
        f"stage 2 {1e3 * line['stage2_s']:8.2f} ms  above reference {_excess_pct(line):.4f} %  {line['refused'] or ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
