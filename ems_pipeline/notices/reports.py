"""A day or a week of a site in money, with its picture: for those who want it, from an hour of the site's day on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ems_pipeline import settings, time_grid
from ems_pipeline.notify import choice
from ems_pipeline.notify.notice import Message
from ems_pipeline.report.account import Account
from ems_pipeline.report.summary import amount
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.channels import Channel
from ems_pipeline.warehouse.told import Span

WEEK = 7


def due(warehouse: Warehouse, channels: Iterable[Channel], now: datetime) -> Iterator[tuple[Channel, Span]]:
    """Reports that are wanted and may be sent by now; which of them were is not looked at."""
    wanting = [c for c in channels if c.wishes.wants_daily or c.wishes.wants_weekly]
    if not wanting:
        return
    with warehouse.begin() as connection:
        zones = {site.key: time_grid.zone(site.timezone) for site in registry.configured(connection)}
    hour = settings.REPORT_HOUR.read()
    for site, zone in zones.items():
        local = now.astimezone(zone)
        if local.hour < hour:
            continue
        last = local.date() - timedelta(days=1)
        for channel in wanting:
            if not choice.sees(site, channel.person_sites, channel.wishes) or _is_quiet(channel, now):
                continue
            if channel.wishes.wants_daily:
                yield channel, Span(site, last, 1)
            if channel.wishes.wants_weekly and local.weekday() == 0:
                yield channel, Span(site, last, WEEK)


def _is_quiet(channel: Channel, now: datetime) -> bool:
    return channel.wishes.quiet is not None and channel.wishes.quiet.holds(now)


def message(warehouse: Warehouse, span: Span) -> Message:
    """The report in words, with the page of `report.page` as a file."""
    from ems_pipeline.report import page  # draws pictures
    from ems_pipeline.warehouse import accounts

    first = span.last - timedelta(days=span.days - 1)
    with warehouse.begin() as connection:
        site = registry.newest(connection, span.site_key)
        account = accounts.of_site(connection, site, first, span.last, of_all=False)
    when = f"{span.last}" if span.days == 1 else f"{first} to {span.last}"
    name = f"{span.site_key}-{span.last}.html" if span.days == 1 else f"{span.site_key}-week-{span.last}.html"
    return Message(
        f"{account.site.name}, {when}: {_money(account, 'cost')}",
        "\n".join(_lines(account, when)),
        f"report-{span.site_key}-{span.last}-{span.days}",
        (name, page.html(account)) if not account.slots.is_empty() else None,
    )


def _lines(account: Account, when: str) -> Iterator[str]:
    yield f"{account.site.name}, {when}"
    if account.slots.is_empty():
        yield "Nothing is settled of it: nothing was measured or priced."
        return
    yield f"cost: {_money(account, 'cost')}"
    yield f"without the battery: {_money(account, 'no_battery_cost')}; by self-use: {_money(account, 'self_use_cost')}"
    if account.site.gensets:
        saved = _money(account, "no_genset_saving")
        yield f"fuel, starts and service of gensets: {_money(account, 'genset_cost')}; saved against no genset: {saved}"
    settled, of = int(account.days["settled_slots"].sum()), int(account.days["slots"].sum())
    if settled < of:
        yield f"{settled} of {of} quarter-hours are settled; the rest is unknown"
    for energy in account.energies:
        if energy.in_kwh or energy.out_kwh:
            yield f"{energy.name.replace('_', ' ')}: {energy.in_kwh:.1f} kWh to the bus, {energy.out_kwh:.1f} from it"
    yield f"alarms: {account.alarms.height}"


def _money(account: Account, column: str) -> str:
    return amount(account.total(column), account.site.currency)
