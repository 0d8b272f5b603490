"""All sites on one page: as many statements for five hundred as for two, and each row what the database holds."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import psycopg
import pytest

from ems_pipeline.api.asked import in_hand
from ems_pipeline_tests.api.conftest import House

pytestmark = pytest.mark.usefixtures("lived")
MANY = """
INSERT INTO ems.site (site_key, name, timezone, latitude, longitude, market_zone, currency)
SELECT 'site-' || n, 'Place <' || n || '>', 'Europe/Prague', 50, 14, 'CZ', 'CZK' FROM generate_series(1, 500) AS n;
INSERT INTO ems.site_config (site_key, config_hash, config, known_at)
SELECT s.site_key, 'h', c.config, '2026-02-01' FROM ems.site s, ems.site_config c
WHERE s.site_key LIKE 'site-%' AND c.site_key = 'home01';
INSERT INTO ems.point (site_key, device_key, quantity, unit)
SELECT s.site_key, p.device_key, p.quantity, p.unit FROM ems.site s, ems.point p
WHERE s.site_key LIKE 'site-%' AND p.site_key = 'home01';
INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality)
SELECT point_id, '2026-03-01 11:59+00', '2026-03-01 11:59+00', 100, 0 FROM ems.point WHERE site_key LIKE 'site-%';
INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at, last_seen_at)
SELECT site_key, 'inverter', 'ok', '2026-03-01 11:59+00', '2026-03-01 11:59+00'
FROM ems.site WHERE site_key LIKE 'site-%';
INSERT INTO ems.audit_day (site_key, day, currency, slots, settled_slots, coverage_pct, cost, known_at)
SELECT s.site_key, d::date, 'CZK', 96, 96, 100, 10, '2026-03-01'
FROM ems.site s, generate_series(timestamp '2026-01-30', '2026-02-28', interval '1 day') AS d
WHERE s.site_key LIKE 'site-%';
INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at) VALUES
    ('site-499', 'x', 'critical', 'x', '2026-03-01 11:00+00', '2026-03-01 11:00+00');
"""
GONE = """
DELETE FROM ems.alarm WHERE site_key LIKE 'site-%'; DELETE FROM ems.audit_day WHERE site_key LIKE 'site-%';
DELETE FROM ems.device_health WHERE site_key LIKE 'site-%';
DELETE FROM ems.telemetry USING ems.point p WHERE p.point_id = telemetry.point_id AND p.site_key LIKE 'site-%';
DELETE FROM ems.point WHERE site_key LIKE 'site-%'; DELETE FROM ems.site_config WHERE site_key LIKE 'site-%';
DELETE FROM ems.site WHERE site_key LIKE 'site-%';
"""


def table(shown: str) -> list[list[str]]:
    """The words of every row."""
    rows = re.findall(r"<tr>(<th scope=\"row\">.*?)</tr>", shown, re.DOTALL)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def test_a_row_is_what_the_site_is_and_what_is_unknown_is_a_dash(house: House) -> None:
    home01, home02 = sorted(table(house.login("anna").get("/ui/sites").text))
    assert home01[0] == "Demo home home01"
    assert home01[1:] == ["1", "armed", "50 seconds ago", "1.25 kW", "62 %", "38.12 CZK", "22.91 CZK", "–", "–"]
    assert home02[0] == "Elsewhere home02"
    assert home02[1:] == ["1", "disarmed", "–", "–", "–", "–", "–", "–", "–"]


def test_somebody_elses_site_is_no_row(house: House) -> None:
    assert [row[0] for row in table(house.login("otto").get("/ui/sites").text)] == ["Demo home home01"]
    assert "of the installation" not in house.login("otto").get("/ui/sites").text
    assert "of the installation" in house.login("anna").get("/ui/sites").text


def test_five_hundred_sites_take_the_statements_of_two(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = house.login("anna")
    said: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def counted(self: Any, *asked: Any, **more: Any) -> Any:
        if in_hand().path == "/ui/sites":  # the ear at the database asks beside it
            said.append(str(asked[0])[:100])
        return await execute(self, *asked, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    anna.get("/ui/sites")  # who asks is remembered from now on
    said.clear()
    anna.get("/ui/sites")
    of_two = len(said)
    with house.warehouse.begin() as connection:
        connection.connection.cursor().execute(MANY)
    try:
        said.clear()
        shown = anna.get("/ui/sites").text
        assert len(said) == of_two, said
        found = table(shown)
        assert len(found) == 100
        assert "502 sites, 3 with open alarms" in shown
        assert found[0][0] in ("Elsewhere home02", "Place <499> site-499"), "the gravest trouble first"
        # On the first of March the month has no day yet; yesterday was the last of February.
        assert found[10][4:9] == ["100 W", "100 %", "10.00 CZK", "–", "–"]
        assert table(anna.get("/ui/sites?page=6").text)[-1][0] == "Place <99> site-99"
        assert [row[0] for row in table(anna.get("/ui/sites?q=PLACE+%3C77%3E").text)] == ["Place <77> site-77"]
        assert "No site's name or key holds that." in anna.get("/ui/sites?q=%25").text
    finally:
        with house.warehouse.begin() as connection:
            connection.connection.cursor().execute(GONE)
