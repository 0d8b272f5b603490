"""Asset checks: standing questions about the data, each answered per site in its metadata.

They never block: a plan on what is known beats no plan. What must not pass, an unverified plan, is refused where it is
made. A check looks at all active sites, because one healthy site would hide a dead one.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.market.document import MARKET_TIMEZONE, market_day_slots
from ems_pipeline.orchestration import device_tables
from ems_pipeline.orchestration.assets.audit import audit_interval
from ems_pipeline.orchestration.assets.market import market_interval_price
from ems_pipeline.orchestration.assets.plans import rolling_plan
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.pricing import zones_of
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import health, inventory, market, setpoint_lives

WARN = dg.AssetCheckSeverity.WARN
LOOK_BACK = timedelta(days=1)
LOAD_TOLERANCE_W, LOAD_TOLERANCE_FRAC = 100.0, 0.1
"""Meters of different make may differ by this much, or by this share of the load, over a day."""


@dg.asset_check(asset=market_interval_price, name="day_complete")
def prices_complete(ems: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Today has 92, 96 or 100 prices in every zone a site trades in, and so has every day begun since last week."""
    today = time_grid.local_day(ems.clock.now(), MARKET_TIMEZONE)
    zones, missing = zones_of(ems.sites()), []
    with ems.warehouse.begin() as connection:
        for day in time_grid.days(today - timedelta(days=6), today + timedelta(days=1)):
            slots = market_day_slots(day)
            counted = market.priced_slots(connection, zones, slots[0], slots[-1] + SLOT)
            found = dict(counted.select("zone", "slots").iter_rows())
            for zone in zones:
                has = found.get(zone, 0)
                if has < len(slots) and (has or day == today):
                    missing.append(f"{zone} {day}: {has} of {len(slots)}")
    return _result("day_complete", missing, zones=len(zones))


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("telemetry_fresh", asset=telemetry_15m, description="Each site was heard lately."),
        dg.AssetCheckSpec("bus_balances", asset=telemetry_15m, description="The powers of each site add up."),
        dg.AssetCheckSpec(
            "devices_answer", asset=telemetry_15m, description="Each device answers; `health` lists all."
        ),
    ],
    can_subset=True,
)
def telemetry_checks(
    context: dg.AssetCheckExecutionContext, ems: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Each site was heard lately, its powers add up, and its devices answer."""
    wanted = {key.name for key in context.selected_asset_check_keys}
    yield from (found for found in telemetry_findings(ems) if found.check_name in wanted)


def telemetry_findings(ems: Platform) -> Iterator[dg.AssetCheckResult]:
    """What the three checks find."""
    now = ems.clock.now()
    ages = {site.key: timedelta(minutes=site.control.max_state_age_minutes) for site in ems.sites()}
    with ems.warehouse.begin() as connection:
        status = inventory.site_status(connection)
        sums = inventory.balance(connection, ems.slot_end() - LOOK_BACK, ems.slot_end())
        devices = health.overview(connection)
    # A site whose configuration cannot be read is out of service: an alarm of its own says so.
    known = [row for row in status.iter_rows(named=True) if row["site"] in ages]
    late = [
        f"{row['site']}: {'never heard' if row['telemetry'] is None else 'last heard ' + str(row['telemetry'])}"
        for row in known
        if row["telemetry"] is None or now - row["telemetry"] > ages[row["site"]]
    ]
    yield _result("telemetry_fresh", late, sites=status.height)
    yield _result("bus_balances", [fault for row in sums.iter_rows(named=True) for fault in _imbalance(row)])
    silent = devices.filter((pl.col("error_streak") > 0) & ~pl.col("at_rest"))
    told = [f"{site}/{device}: {n} errors, {text}" for site, device, _, _, n, text, _ in silent.iter_rows()]
    yield _result("devices_answer", told, devices=devices.height, health=device_tables.device_health(devices))


def _imbalance(row: dict[str, Any]) -> Iterator[str]:
    if row["negative_slots"]:
        yield f"{row['site_key']}: the house load is negative in {row['negative_slots']} slots; check the meters' signs"
    load_w, device_load_w = row["load_w"], row["device_load_w"]
    if load_w is None or device_load_w is None:
        return
    if abs(load_w - device_load_w) > max(LOAD_TOLERANCE_W, LOAD_TOLERANCE_FRAC * abs(device_load_w)):
        yield f"{row['site_key']}: the bus leaves {load_w:.0f} W of load, the device reports {device_load_w:.0f} W"


@dg.asset_check(asset=audit_interval, name="setpoints_confirmed")
def setpoints_confirmed(ems: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """What the last day's set-points asked for was read back from the devices.

    Shows the life of the newest set-point of each device that had to be written.
    """
    end = ems.slot_end()
    with ems.warehouse.begin() as connection:
        outcomes = inventory.setpoint_outcomes(connection, end - LOOK_BACK, end)
        steps = setpoint_lives.newest(connection, end - LOOK_BACK)
    bad = outcomes.filter(pl.col("state").is_in(["failed", "reverted", "expired"]))
    faults = [f"{site}: {number} {state}" for site, number, state in bad.iter_rows()]
    confirmed = outcomes.filter(pl.col("state") == "confirmed")["number"].sum()
    counts = {"confirmed": int(confirmed), "of": int(outcomes["number"].sum())}
    return _result("setpoints_confirmed", faults, **counts, lives=device_tables.lives(steps))


@dg.asset_check(asset=rolling_plan, name="verified_plan_in_force")
def verified_plan_in_force(ems: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Each site has a verified plan that covers this quarter-hour and is not too old to be followed.

    Whether a plan is right is checked where it is made; this finds the plan that was never made.
    """
    now, slot = ems.clock.now(), time_grid.floor_slot(ems.clock.now())
    limits = {site.key: timedelta(minutes=site.control.max_plan_age_minutes) for site in ems.sites()}
    with ems.warehouse.begin() as connection:
        status = inventory.site_status(connection)
    faults = []
    for row in status.iter_rows(named=True):
        if row["site"] not in limits:  # out of service: its configuration cannot be read
            continue
        if row["plan_decided_at"] is None:
            faults.append(f"{row['site']}: no plan was ever verified")
        elif row["planned_until"] <= slot:
            faults.append(f"{row['site']}: the newest verified plan ends {row['planned_until']}")
        elif now - row["plan_decided_at"] > limits[row["site"]]:
            faults.append(f"{row['site']}: the newest verified plan is of {row['plan_decided_at']}")
    return _result("verified_plan_in_force", faults, sites=status.height)


def _result(name: str, faults: list[str], **figures: int | dg.MetadataValue) -> dg.AssetCheckResult:
    shown = "\n".join(f"- {fault}" for fault in faults[:50]) or "nothing"
    metadata: dict[str, Any] = {"found": dg.MetadataValue.md(shown), "faults": len(faults), **figures}
    return dg.AssetCheckResult(check_name=name, passed=not faults, severity=WARN, metadata=metadata)


ALL: list[Any] = [prices_complete, telemetry_checks, setpoints_confirmed, verified_plan_in_force]
