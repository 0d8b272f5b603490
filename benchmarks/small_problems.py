"""Random small problems with everything a site can have, in the JSON form of problems: one seed, one problem.

Prices have any sign; loads beyond the connection, cells and houses outside their bounds, several devices of a kind,
machines in the middle of a run, and demands nobody can meet are all among them.
"""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]


def problem(seed: str) -> Json:
    """One problem of 5 to 14 slots."""
    rng = random.Random(seed)
    n = rng.randint(5, 14)
    buy = _prices(rng, n)
    spread = rng.choice([0.0, 0.0, 0.1, 0.25, -0.05, -0.15])
    base = rng.choice([500, 1500, 3000])
    load = [rng.uniform(0, 2 * base) for _ in range(n)]
    if rng.random() < 0.25:
        load[rng.randrange(n)] = rng.uniform(5_000, 12_000)
    pv = [_array(rng, f"pv{i}", n) for i in range(rng.choice([0, 1, 1, 2]))]
    batteries = [_battery(rng, f"pack{i}") for i in range(rng.choice([0, 1, 1, 2, 3]))]
    chargers = rng.choice([0, 0, 1, 1, 2])
    sessions = [_car(rng, f"box{i}", j, n) for i in range(chargers) for j in range(rng.choice([1, 1, 2]))]
    found: Json = {
        "site": seed, "currency": "EUR", "start_at": "2026-03-24T12:00:00+00:00", "buy_per_kwh": buy,
        "sell_per_kwh": [b - spread for b in buy], "load_w": load, "grid": _grid(rng, n), "pv": pv,
        "batteries": batteries, "inverters": _inverters(rng, pv, batteries), "sessions": sessions,
        "heat_pumps": [_heat_pump(rng, f"pump{i}", n) for i in range(rng.choice([0, 0, 1, 1, 2]))],
        "deferrables": _machines(rng, n),
        "gensets": [_genset(rng, f"set{i}", n) for i in range(rng.choice([0, 0, 0, 1, 2]))],
        "switchboards": [], "fuses": [], "previous": [],
        "day_breaks": [rng.randint(1, n - 1)] if rng.random() < 0.5 else [],
        "exclusive": True,
    }  # fmt: skip
    if chargers and rng.random() < 0.5:
        found["fuses"] = [
            {"key": "garage", "limit_w": rng.uniform(4000, 14_000), "chargers": [f"box{i}" for i in range(chargers)]}
        ]
    _dispatch(random.Random(f"{seed}/dispatch"), found)
    _terms(random.Random(f"{seed}/terms"), found["grid"], n)
    _by_time(random.Random(f"{seed}/by time"), found, n)
    _beside_batteries(random.Random(f"{seed}/beside"), found)
    _ends_and_losses(random.Random(f"{seed}/ends"), found)
    unbilled = random.Random(f"{seed}/unbilled")
    some = [unbilled.uniform(0.0, 0.3) for _ in range(n)]
    found["grid"]["unbilled_per_kwh"] = some if unbilled.random() < 0.25 else None
    for unit in found["gensets"]:
        unit["unbilled_per_kwh"] = unbilled.choice([0.0, 0.0, 0.15])
    _peaks(random.Random(f"{seed}/peaks"), found["grid"], n)
    chooses = random.Random(f"{seed}/ties")  # must not cost anything: the second planner knows nothing of it
    found["ties"] = chooses.sample(["early", "level", "order", "quiet"], chooses.choice([0, 0, 1, 2]))
    return found


def _peaks(rng: random.Random, grid: Json, n: int) -> None:
    """Means over half hours and hours, one of them under way, and a new month within the horizon."""
    length = rng.choice([0, 0, 2, 4])
    gone = rng.randrange(max(1, length))
    grid |= {
        "peak_slots": length, "peak_gone_slots": gone,
        "peak_gone_wh": rng.choice([None, rng.uniform(0.0, 2000.0)]) if gone else None,
        "peak_breaks": [rng.randint(1, n - 1)] if rng.random() < 0.25 else [],
        "peak_floor_w": rng.choice([0.0, 1500.0]),
    }  # fmt: skip


def _ends_and_losses(rng: random.Random, found: Json) -> None:
    """Batteries that lose energy by themselves, do nothing below a power, and give less when nearly empty."""
    for b in found["batteries"]:
        b["lost_per_day"] = rng.choice([0.0, 0.0, 0.02, 0.5])
        b["standby_w"] = min(rng.choice([0.0, 0.0, 30.0]), 0.02 * min(b["floor_wh"], b["initial_wh"]))
        for side in ("charge", "discharge"):
            b[f"least_{side}_w"] = rng.choice([0.0, 0.0, 0.0, 0.1, 0.4]) * b[f"{side}_limit_w"]
        b["empty_tapers"] = []
        if rng.random() < 0.25:
            begin, floor = 0.6 * b["ceiling_wh"], b["floor_wh"]
            slope = rng.uniform(0.5, 0.99) * b["discharge_limit_w"] / (begin - floor)
            b["empty_tapers"] = [{"from_wh": begin, "limit_w": b["discharge_limit_w"], "slope_w_per_wh": slope}]


def _prices(rng: random.Random, n: int) -> list[float]:
    kind = rng.choice(["any", "any", "positive", "flat", "negative", "two"])
    low, high = {"any": (-0.4, 0.6), "positive": (0.02, 0.6), "negative": (-0.5, -0.01)}.get(kind, (0.1, 0.4))
    if kind == "flat":
        return [rng.uniform(low, high)] * n
    if kind == "two":
        return [0.4 if t % 7 > 3 else 0.15 for t in range(n)]
    return [rng.uniform(low, high) for _ in range(n)]


def _grid(rng: random.Random, n: int) -> Json:
    events = []
    if rng.random() < 0.25:
        first = rng.randrange(n)
        events.append(_event("firm", first, rng.randint(first + 1, n), limit_w=rng.uniform(0, 3000)))
    if rng.random() < 0.25:
        first = rng.randrange(n)
        paid = {"baseline_w": rng.uniform(500, 6000), "price_per_kwh": rng.uniform(0.1, 1.0)}
        events.append(_event("paid", first, rng.randint(first + 1, n), **paid))
    return {
        "import_limit_w": [rng.choice([4000.0, 9000.0, 17_000.0])] * n,
        "export_limit_w": [rng.choice([0.0, 1000.0, 9000.0])] * n,
        "peak_price_per_kw": rng.choice([0.0, 0.0, 0.0, 0.4, 5.0]), "peak_so_far_w": rng.choice([0.0, 2000.0, 8000.0]),
        "events": events, "over_limit_price_per_kwh": rng.choice([5.0, 50.0]),
    }  # fmt: skip


def _terms(rng: random.Random, grid: Json, n: int) -> None:
    """What may not flow between batteries and grid, and events that count exports, too; drawn apart from the rest."""
    for name in ("no_battery_to_grid", "no_grid_to_battery"):
        first = rng.randrange(n)
        some = [{"first": first, "end": rng.randint(first + 1, n)}]
        grid[name] = rng.choice([[], [], some, [{"first": 0, "end": n}]])
    for event in grid["events"]:
        event["is_net"] = rng.random() < 0.5
        if event["is_net"] and event["limit_w"] is not None:
            event["limit_w"] = rng.uniform(-4000, 2000)
        elif event["is_net"]:
            event["baseline_w"] = rng.uniform(-3000, 4000)


def _beside_batteries(rng: random.Random, found: Json) -> None:
    """Cars that batteries do not feed, or that come after them, and that want a part of their energy earlier."""
    capacity = sum(b["capacity_wh"] for b in found["batteries"])
    for car in found["sessions"]:
        car["spares_batteries"] = rng.random() < 0.3
        steps = [
            (rng.randint(car["first"] + 1, car["end"]), rng.uniform(0.1, 1.0)) for _ in range(rng.choice([0, 0, 1, 2]))
        ]
        car["on_the_way"] = [{"end": end, "energy_wh": share * car["energy_wh"]} for end, share in steps]
        car["batteries_first_wh"] = rng.choice([0.0, 0.0, 0.5, 0.8]) * capacity


def _by_time(rng: random.Random, found: Json, n: int) -> None:
    """Less power in some slots, bands of charge that are priced, wear by direction."""
    for b in found["batteries"]:
        b["discharge_wear_per_kwh"] = rng.choice([b["wear_per_kwh"], 0.0, 0.05])
        for side in ("charge", "discharge"):
            some = [b[f"{side}_limit_w"] * rng.choice([0.0, 0.4, 1.0]) for _ in range(n)]
            b[f"{side}_most_w"] = some if rng.random() < 0.25 else None
        b["kept_within"] = []
        if rng.random() < 0.4:
            first, low, high = rng.randrange(n), rng.choice([0.0, 0.2, 0.5]), rng.choice([0.6, 0.8, 1.0])
            share = {"low_wh": low * b["capacity_wh"], "high_wh": high * b["capacity_wh"]}
            price = {"price_per_kwh": rng.choice([0.02, 0.3, 2.0])}
            b["kept_within"] = [{"first": first, "end": rng.randint(first + 1, n)} | share | price]
    for fuse in found["fuses"]:
        some = [fuse["limit_w"] * rng.choice([0.5, 1.0]) for _ in range(n)]
        fuse["most_w"] = rng.choice([None, some])


def _event(key: str, first: int, end: int, **values: float) -> Json:
    return {"key": key, "first": first, "end": end, "limit_w": None, "baseline_w": 0.0, "price_per_kwh": 0.0} | values


def _array(rng: random.Random, key: str, n: int) -> Json:
    peak = rng.choice([800.0, 3000.0, 8000.0])
    sun = [peak * rng.random() if rng.random() < 0.7 else 0.0 for _ in range(n)]
    return {"key": key, "available_w": sun, "curtailable": rng.random() < 0.7}


def _battery(rng: random.Random, key: str) -> Json:
    capacity = rng.uniform(3000, 14_000)
    floor, ceiling = rng.choice([0.0, 0.1, 0.3]) * capacity, rng.choice([0.8, 0.9, 1.0]) * capacity
    power, efficiency = rng.uniform(1500, 6000), rng.uniform(0.85, 1.0)
    b: Json = {
        "key": key, "capacity_wh": capacity, "charge_limit_w": power, "discharge_limit_w": rng.uniform(1500, 6000),
        "charge_efficiency": efficiency, "discharge_efficiency": rng.uniform(0.85, 1.0), "floor_wh": floor,
        "ceiling_wh": ceiling, "initial_wh": rng.choice([0.05, 0.2, 0.5, 0.8, 0.97]) * capacity,
        "wear_per_kwh": rng.choice([0.0, 0.0, 0.03]), "end_value_per_kwh": rng.choice([0.0, 0.1, 0.3]),
        "end_floor_wh": rng.choice([0.0, 0.0, 0.4]) * capacity, "outside_price_per_kwh": rng.choice([0.3, 1.2, 5.0]),
        "steps": [], "bands": [], "tapers": [],
    }  # fmt: skip
    kind = rng.random()
    if kind < 0.12:
        b["steps"] = [_step(rng, 1000.0), _step(rng, 6000.0)]
    elif kind < 0.24:
        b["bands"] = [{"upto_wh": share * capacity} | _two(rng) for share in (0.3, 0.6, 1.0)]
    if rng.random() < 0.3:
        begin = 0.6 * ceiling
        b["tapers"] = [
            {"from_wh": begin, "limit_w": power, "slope_w_per_wh": rng.uniform(0.5, 0.99) * power / (ceiling - begin)}
        ]
    return b


def _step(rng: random.Random, upto_w: float) -> Json:
    return {"upto_w": upto_w} | _two(rng)


def _two(rng: random.Random) -> Json:
    return {"charge_efficiency": rng.uniform(0.75, 1.0), "discharge_efficiency": rng.uniform(0.75, 1.0)}


def _inverters(rng: random.Random, pv: list[Json], batteries: list[Json]) -> list[Json]:
    if rng.random() < 0.5 or not (pv or batteries):
        return []
    first = {"key": "hybrid", "ac_limit_w": rng.uniform(2000, 6000)}
    return [first | {"pv": [a["key"] for a in pv[:2]], "batteries": [b["key"] for b in batteries[:1]]}]


def _car(rng: random.Random, charger: str, number: int, n: int) -> Json:
    first = rng.randrange(n - 1)
    low = 0.0 if charger == "box1" else rng.choice([1380.0, 4140.0])
    energy = rng.uniform(300, 9000)
    return {
        "key": f"{charger}@{number}", "charger": charger, "first": first, "end": rng.randint(first + 1, n),
        "energy_wh": energy, "min_w": low, "max_w": rng.choice([5000.0, 7400.0, 11_040.0]), "phases": 3,
        "voltage_v": 230.0,
        "unmet_price_per_kwh": rng.choice([0.2, 3.0, 20.0]), "later_wh": rng.choice([0.0, 0.0, 0.5]) * energy,
        "later_value_per_kwh": rng.choice([0.0, 0.3]), "min_run_slots": rng.choice([1, 1, 2, 3]),
        "blocked": [{"first": 2, "end": 3}] if rng.random() < 0.15 else [],
        "anywhere_w": [rng.choice([0.0, low, 20_000.0]) for _ in range(n)] if rng.random() < 0.4 else None,
        "steady": [{"first": first, "end": n}] if rng.random() < 0.25 else [],
    }  # fmt: skip


def _heat_pump(rng: random.Random, key: str, n: int) -> Json:
    def store(name: str, loss: float, capacity: float, ambient: list[float], band: tuple[float, float]) -> Json:
        low, high = band
        return {
            "key": name, "loss_w_per_k": loss, "capacity_wh_per_k": capacity, "ambient_c": ambient,
            "gains_w": [rng.choice([0.0, 0.0, rng.uniform(-800, 800)]) for _ in range(n)],
            "initial_c": rng.uniform(low - 1.0, high + 0.6), "min_c": low, "max_c": high,
            "outside_price_per_kh": rng.choice([0.2, 2.0, 20.0, 2000.0]),
            "end_floor_c": rng.choice([-273.15, -273.15, low - 0.3, low + 0.6]),
            "end_value_per_k": rng.choice([0.0, 0.3]), "bands": _bands(rng, band, n) if rng.random() < 0.3 else [],
        }  # fmt: skip

    cop = [rng.uniform(2.5, 4.5) for _ in range(n)]
    was_on = rng.choice([None, True, False])
    has_tank = rng.random() < 0.35
    return {
        "key": key, "min_w": rng.choice([0.0, 900.0, 900.0, 1400.0]), "max_w": rng.uniform(1500, 3500), "cop": cop,
        "store": store("house", 180.0, 6000.0, [rng.uniform(-8, 12) for _ in range(n)], (20.0, 22.5)),
        "min_run_slots": rng.randint(1, 4), "min_pause_slots": rng.randint(1, 3), "was_on": was_on,
        "state_slots": None if was_on is None else rng.choice([None, 0, 1, 2]),
        "tank": store("tank", 3.0, 230.0, [20.0] * n, (42.0, 56.0)) if has_tank else None,
        "tank_cop": [0.7 * c for c in cop] if has_tank else None,
    }  # fmt: skip


def _bands(rng: random.Random, usual: tuple[float, float], n: int) -> list[Json]:
    """A colder band for some slots, and sometimes a warmer one over part of it."""
    found, (low, high) = [], usual
    for shift in (-3.0, 1.0)[: rng.choice([1, 2])]:
        first = rng.randrange(n)
        found.append({"first": first, "end": rng.randint(first + 1, n), "min_c": low + shift, "max_c": high + shift})
    return found


def _machines(rng: random.Random, n: int) -> list[Json]:
    found = []
    for number in range(rng.choice([0, 0, 1, 2])):
        profile = [rng.choice([0.0, 800.0, 2000.0]) for _ in range(rng.randint(0, 2))] + [1200.0]
        first = rng.randrange(n)
        found.append({
            "key": rng.choice(["wash", f"run{number}"]), "profile_w": profile, "first": first,
            "end": rng.randint(first + 1, n), "skip_price": rng.choice([0.05, 0.5, 30.0]),
        })  # fmt: skip
    return found


def _genset(rng: random.Random, key: str, n: int) -> Json:
    was_on = rng.random() < 0.4
    quiet = rng.randrange(n)
    return {
        "key": key, "min_w": rng.choice([0.0, 1500.0]), "max_w": rng.uniform(2000, 6000),
        "fuel_per_kwh": rng.uniform(0.05, 0.5), "idle_fuel_per_h": rng.choice([0.0, 0.2]),
        "start_cost": rng.choice([0.0, 0.2]), "min_run_slots": rng.randint(1, 4),
        "min_pause_slots": rng.randint(1, 3), "warm_up_slots": rng.randint(0, 3),
        "starts_per_day": rng.choice([None, 0, 1, 2]),
        "run_hours_left": rng.choice([None, 0.3, 1.0]), "was_on": was_on, "state_slots": rng.choice([None, 0, 1, 2]),
        "blocked": [{"first": quiet, "end": min(n, quiet + 2)}] if rng.random() < 0.3 else [],
        "starts_before": rng.randint(0, 2),
    }  # fmt: skip


def _dispatch(rng: random.Random, found: Json) -> None:
    """What came later to gensets, for some of them, and a board for some that are two; drawn apart from the rest."""
    for unit in found["gensets"]:
        most = unit["max_w"]
        ramp = rng.choice([None, most / 10, most / 200]) if unit["min_w"] < 0.6 * most else None
        unit |= {
            "service_per_h": rng.choice([0.0, 0.3]), "even_per_h": rng.choice([0.0, 0.02]),
            "lead_h": rng.choice([0.0, 0.05]),
            "cool_down_h": rng.choice([0.0, 0.08]), "starts_per_2h": rng.choice([None, 1, 2]),
            "started_ago": sorted(rng.sample(range(1, 10), rng.randint(0, 2))),
            "low_load_w": rng.choice([0.0, 0.7 * most]), "low_load_slots": rng.randint(1, 3),
            "low_load_before": rng.choice([0, 0, 1, 3]), "ramp_w_per_s": ramp,
            "over_hours": rng.choice([0.0, 0.5]), "over_hours_price_per_h": rng.choice([0.0, 0.4, 5.0]),
        }  # fmt: skip
    if len(found["gensets"]) == 2 and rng.random() < 0.7:
        share = rng.choice([0.0, 0.3])
        for unit in found["gensets"]:
            unit["min_w"] = share * unit["max_w"]
        least = min(unit["max_w"] - unit["min_w"] for unit in found["gensets"])
        found["switchboards"] = [
            {"key": "board", "gensets": ["set0", "set1"], "spare_w": rng.choice([0.0, 0.5 * least, least])}
        ]
