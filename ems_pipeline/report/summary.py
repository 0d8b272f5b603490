"""The account of some days as people read it in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ems_pipeline.plain_text import plain
from ems_pipeline.report.account import Account

FLOW_NAMES = {
    "pv": "PV", "grid": "grid (import / export)", "battery": "battery (discharged / charged)", "genset": "genset",
    "load": "house", "ev": "cars", "heat_pump": "heat pump",
}  # fmt: skip


def text(account: Account) -> RenderableType:
    """Money, energy, set-points, wishes and alarms, in that order."""
    parts = [
        _money(account),
        _otherwise(account),
        _lost(account),
        _energy(account),
        _setpoints(account),
        _plans(account),
        _wishes(account),
        _alarms(account),
    ]
    return Group(*(part for part in parts if part is not None))


def amount(value: float | None, currency: str) -> str:
    """Money with two digits; a sum with an unknown part is unknown."""
    return "unknown" if value is None else f"{value:.2f} {currency}"


def _money(account: Account) -> RenderableType:
    currency = account.site.currency
    table = Table(title=Text(plain(f"{account.site.name}, {account.first} to {account.last}")), title_justify="left")
    headings = ["day", "cost", "no battery", "self-use", "saved vs none", "saved vs self-use"]
    headings += ["gensets", "saved vs no genset"] if account.site.gensets else []
    for name in (*headings, "slots measured"):
        table.add_column(name, justify="left" if name == "day" else "right", no_wrap=name == "day")
    columns = ["cost", "no_battery_cost", "self_use_cost", "no_battery_saving", "self_use_saving"]
    columns += ["genset_cost", "no_genset_saving"] if account.site.gensets else []
    for row in account.days.iter_rows(named=True):
        cells = ["unknown" if row[c] is None else f"{row[c]:.2f}" for c in columns]
        table.add_row(str(row["day"]), *cells, f"{row['settled_slots']}/{row['slots']}")
    table.add_section()
    table.add_row("total", *("unknown" if (v := account.total(c)) is None else f"{v:.2f}" for c in columns), currency)
    return table


def _otherwise(account: Account) -> RenderableType | None:
    if account.baselines.is_empty():
        return None
    table = Table(title="what it would have cost otherwise (docs/audit.md)", title_justify="left")
    for name in ("baseline", "days known", "cost", "wear", "saved against it", "why not"):
        table.add_column(name, justify="left" if name in ("baseline", "why not") else "right")
    for row in account.otherwise:
        cells = ["unknown" if row[c] is None else f"{row[c]:.2f}" for c in ("cost", "wear_cost", "saving")]
        if row["baseline"] == "measured":
            cells[-1] = ""
        table.add_row(row["baseline"], f"{row['known']}/{row['days']}", *cells, row["missing"] or "")
    return table


def _lost(account: Account) -> RenderableType | None:
    if account.regret.is_empty():
        return None
    title = f"what cost more than it had to, {account.site.currency} (docs/audit.md)"
    table = Table(title=title, title_justify="left")
    for name in ("part", "days known", "cost", "why not"):
        table.add_column(name, justify="left" if name in ("part", "why not") else "right")
    for row in account.lost:
        amount_text = "unknown" if row["amount"] is None else f"{row['amount']:.2f}"
        table.add_row(row["part"], f"{row['known']}/{row['days']}", amount_text, row["missing"] or "")
    return table


def _energy(account: Account) -> RenderableType:
    table = Table(title="energy, kWh", title_justify="left")
    table.add_column("flow")
    for name in ("to the bus", "from the bus", "quarter-hours measured"):
        table.add_column(name, justify="right")
    for energy in account.energies:
        if energy.in_kwh or energy.out_kwh or energy.measured_slots < account.slots.height:
            measured = f"{energy.measured_slots}/{account.slots.height}"
            table.add_row(FLOW_NAMES[energy.name], f"{energy.in_kwh:.2f}", f"{energy.out_kwh:.2f}", measured)
    return table


def _setpoints(account: Account) -> RenderableType:
    if account.setpoints.is_empty():
        return Text("set-points: none; a site needs `control: {enabled: true}` and `ems control arm`")
    table = Table(title="set-points", title_justify="left")
    table.add_column("device")
    columns = ("total", "shadow", "echoed", "effective", "failed", "reverted")
    for name in columns:
        table.add_column(name, justify="right")
    for row in account.setpoints.iter_rows(named=True):
        table.add_row(row["device_key"], *(seen(row[c]) for c in columns))
    return table


def seen(count: int | None) -> str:
    """How many set-points came so far; of signals it cannot be seen whether they had an effect."""
    return "cannot be seen" if count is None else str(count)


def _plans(account: Account) -> RenderableType:
    lines = [
        f"{row['kind']} plans: {row['plans']}, {row['failed']} failed, {row['unverified']} not verified; solved in "
        f"{row['solve_s'] * 1000:.0f} ms on average, {row['slowest_s'] * 1000:.0f} ms at most"
        for row in account.plans.iter_rows(named=True)
        if row["solve_s"] is not None
    ]
    return Text("\n".join(lines) or "no plans")


def _wishes(account: Account) -> RenderableType:
    if account.unmet.is_empty():
        return Text("unmet wishes: none")
    lines = [f"  {r['text']} (last said; in {r['plans']} plans)" for r in account.unmet.iter_rows(named=True)]
    return Text("unmet wishes, newest first:\n" + "\n".join(lines))


def _alarms(account: Account) -> RenderableType:
    if account.alarms.is_empty():
        return Text("alarms: none")
    lines = [
        f"  {r['raised_at']:%Y-%m-%d %H:%M} UTC {r['severity']} {r['device_key']} {r['kind']} "
        f"x{r['times']}: {r['text']}"
        for r in account.alarms.tail(12).iter_rows(named=True)
    ]
    return Text(f"alarms: {account.alarms.height}\n" + "\n".join(lines))
