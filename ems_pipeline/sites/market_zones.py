"""The bidding zones whose day-ahead prices can be had, by the names that energy-charts gives them.

A site names one of them, or `NONE` where its contract has fixed prices and nobody publishes a market price for it (the
loader asks `fault`); the price sources (`ems_pipeline.market`) serve them. Add a zone here once a source has it.
Source of the codes: ENTSO-E, list of Energy Identification Codes of bidding zones.
"""

from __future__ import annotations

NONE = "none"
"""No market: for contracts that no market price enters."""

EIC = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "BG": "10YCA-BULGARIA-R",
    "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N",
    "DE-LU": "10Y1001A1001A82H",
    "DK1": "10YDK-1--------W",
    "DK2": "10YDK-2--------M",
    "EE": "10Y1001A1001A39I",
    "ES": "10YES-REE------0",
    "FI": "10YFI-1--------U",
    "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y",
    "HR": "10YHR-HEP------M",
    "HU": "10YHU-MAVIR----U",
    "LT": "10YLT-1001A0008Q",
    "LV": "10YLV-1001A00074",
    "ME": "10YCS-CG-TSO---S",
    "NL": "10YNL----------L",
    "NO1": "10YNO-1--------2",
    "NO2": "10YNO-2--------T",
    "NO3": "10YNO-3--------J",
    "NO4": "10YNO-4--------9",
    "NO5": "10Y1001A1001A48H",
    "PL": "10YPL-AREA-----S",
    "PT": "10YPT-REN------W",
    "RO": "10YRO-TEL------P",
    "RS": "10YCS-SERBIATSOV",
    "SE1": "10Y1001A1001A44P",
    "SE2": "10Y1001A1001A45N",
    "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J",
    "SI": "10YSI-ELES-----O",
    "SK": "10YSK-SEPS-----K",
}
"""Energy Identification Code by zone."""

ZONES = frozenset(EIC)

UNCOUPLED = frozenset({"CH", "ME", "RS"})
"""Zones with an auction of their own, whose step nobody prescribes; all others trade in the coupled auction."""


def fault(zone: str) -> str:
    """Why a site cannot trade in ``zone``, with the zones it may mean; empty when it can."""
    if zone in ZONES or zone == NONE:
        return ""
    near = [known for known in sorted(ZONES) if zone and known.startswith(zone[:2].upper())]
    known = " or ".join(near or sorted(ZONES))
    return f"is no market zone that a price source serves; write {known}, or {NONE!r} where no market price enters"


def of_country(country: str) -> list[str]:
    """Zones that a country has a part in, by name: ``DE`` and ``LU`` share one, Norway has five."""
    return sorted(zone for zone in ZONES if country in zone.rstrip("0123456789").split("-"))
