"""What some days of a site came to: the figures that the printed summary and the HTML report show.

Pure arithmetic over settled rows; `warehouse.accounts` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ems_pipeline.sites import Site
from ems_pipeline.units import slot_energy_wh

FLOWS = ("pv_w", "grid_w", "battery_w", "genset_w", "load_w", "ev_w", "heat_pump_w")


@dataclass(frozen=True)
class Energy:
    """One flow over the days, kWh: towards the bus and away from it. ``measured_slots`` had a value."""

    name: str
    in_kwh: float
    out_kwh: float
    measured_slots: int


@dataclass(frozen=True)
class Account:
    """Rows of some days of one site, as settled.

    ``days``: rows of ems.vw_audit_summary; ``baselines``: of ems.fn_baseline_day;
    ``regret``: of ems.fn_regret_day;
    ``slots``: rows of ems.audit_interval;
    ``setpoints``: device_key, total, shadow, echoed, effective (null: signals, of which none can be seen), failed,
    reverted;
    ``alarms``: severity, kind, text, raised_at; ``plans``: kind, plans, failed, unverified, solve_s (mean),
    slowest_s; ``unmet``: text, plans, last_decided_at; ``tables``: name, rows, bytes.
    """

    site: Site
    first: date
    last: date
    days: pl.DataFrame
    baselines: pl.DataFrame
    regret: pl.DataFrame
    slots: pl.DataFrame
    setpoints: pl.DataFrame
    alarms: pl.DataFrame
    plans: pl.DataFrame
    unmet: pl.DataFrame
    tables: pl.DataFrame

    def total(self, column: str) -> float | None:
        """Sum of a column of ``days``; None when any day has no value: an unknown day is not a free one."""
        values = self.days[column]
        return None if values.is_empty() or values.null_count() else float(values.sum())

    @property
    def otherwise(self) -> list[dict[str, Any]]:
        """Each baseline over the days it is known of: baseline, days, known, cost, wear_cost, saving, missing (why, on
        the last day it is not). A sum in which a part is not known is None.
        """

        def total(name: str) -> pl.Expr:
            known = pl.col(name).filter(pl.col("cost").is_not_null())
            return pl.when((known.null_count() == 0) & (known.len() > 0)).then(known.sum()).alias(name)

        summed = self.baselines.group_by("baseline", maintain_order=True).agg(
            pl.len().alias("days"), pl.col("cost").count().alias("known"), total("cost"), total("wear_cost"),
            total("saving"), pl.col("missing").drop_nulls().last(),
        )  # fmt: skip
        return summed.to_dicts()

    @property
    def lost(self) -> list[dict[str, Any]]:
        """What cost more than it had to, the dearest first and the total last: part, days, known, amount (of the days
        it is known of; None: of none), missing (why, on the last day it is not).
        """
        summed = self.regret.group_by("part", maintain_order=True).agg(
            pl.len().alias("days"), pl.col("amount").count().alias("known"),
            pl.when(pl.col("amount").count() > 0).then(pl.col("amount").sum()).alias("amount"),
            pl.col("missing").drop_nulls().last(),
        )  # fmt: skip
        told = summed.filter((pl.col("part") == "total") | pl.col("missing").is_not_null() | (pl.col("amount") != 0))
        is_total = pl.col("part") == "total"
        return told.sort(is_total, pl.col("amount"), descending=[False, True], nulls_last=True).to_dicts()

    @property
    def energies(self) -> list[Energy]:
        """The measured flows: sources towards the bus, consumers away from it, grid and battery both ways."""
        return [_energy(name, self.slots[f"{name}_w"]) for name in (flow.removesuffix("_w") for flow in FLOWS)]


def _energy(name: str, power_w: pl.Series) -> Energy:
    known = power_w.drop_nulls()
    positive, negative = slot_energy_wh(known.clip(lower_bound=0)), slot_energy_wh(known.clip(upper_bound=0))
    into, out_of = float(positive.sum()) / 1000, abs(float(negative.sum())) / 1000
    is_consumer = name in ("load", "ev", "heat_pump")
    return Energy(name, out_of if is_consumer else into, into if is_consumer else out_of, known.len())
