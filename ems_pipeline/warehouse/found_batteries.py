"""Batteries that answered a broadcast: where each of them is, by the BLE address that it keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query


@dataclass(frozen=True, slots=True)
class FoundBattery:
    """One that answered: what it says it is, and where it answered from."""

    ble_mac: str
    model: str
    firmware: float | None
    address: str
    udp_port: int
    wifi_mac: str | None


def note(
    connection: Connection,
    found: Sequence[FoundBattery],
    ports: Collection[int],
    at: datetime,
    *,
    asked_here: bool = False,
) -> None:
    """Those that were found are there; of those that were asked, the others are not.

    Looks at once take the rows in one order and say the same; what was seen later stays.

    Args:
        ports: at which everybody was asked.
        asked_here: on this machine alone, so that nothing is told of what is elsewhere.
    """
    connection.execute(
        sa.text("""UPDATE ems.found_battery SET is_active = false
                   WHERE is_active AND udp_port = ANY (:ports) AND ble_mac <> ALL (:found) AND last_seen_at < :at
                     AND (address << inet '127.0.0.0/8') = :here"""),
        {"ports": sorted(ports), "found": [one.ble_mac for one in found], "at": at, "here": asked_here},
    )
    for one in sorted(found, key=lambda one: one.ble_mac):
        connection.execute(
            sa.text("""
            INSERT INTO ems.found_battery AS known
                (ble_mac, name, model, firmware, address, udp_port, wifi_mac, is_active, first_seen_at, last_seen_at)
            VALUES (:ble_mac, :name, :model, :firmware, CAST(:address AS inet), :udp_port, :wifi_mac, true, :at, :at)
            ON CONFLICT (ble_mac) DO UPDATE SET
                model = excluded.model, firmware = excluded.firmware, address = excluded.address,
                udp_port = excluded.udp_port, wifi_mac = coalesce(excluded.wifi_mac, known.wifi_mac), is_active = true,
                last_seen_at = excluded.last_seen_at
            WHERE known.last_seen_at <= excluded.last_seen_at"""),
            asdict(one) | {"name": f"{one.model} {one.ble_mac[-4:]}", "at": at},
        )


def places(connection: Connection) -> Mapping[str, tuple[str, int]]:
    """Where each was found last, host and port, by its BLE address."""
    rows = connection.execute(sa.text("SELECT ble_mac, host(address), udp_port FROM ems.found_battery"))
    return {mac: (host, port) for mac, host, port in rows}


def known(connection: Connection) -> pl.DataFrame:
    """All of them, by name; ``site_key`` and ``gateway`` of the site file that names one, else null."""
    return query(
        connection,
        """SELECT name, model, firmware, address, udp_port, ble_mac, wifi_mac, is_active, last_seen_at, site_key,
                  gateway
           FROM ems.vw_found_battery ORDER BY name""",
    )
