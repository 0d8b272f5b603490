"""What a page costs: the server's processor, bytes on the line, and what a phone's browser makes of it.

    ems demo                                  # a home to look at
    python benchmarks/pages.py [--home .ems/demo] [--at INSTANT] [--asks 40] [--json FILE]
    python benchmarks/genset_week.py --days 1 --until 18:00 --home .ems/gensets     # one with gensets
    python benchmarks/pages.py --home .ems/gensets

Per page: processor time of `ems web` per request with the database behind it (bound 15 ms), packed bytes of the
document, with style, script and icon those of a first visit (20 kB, 5 requests). What is drawn of a plan is kept, so
``plan_anew`` asks for another plan each time (where there are enough); the pages of gensets and maintenance are asked
for where a site has sets, as they were polled last. Pages are those of whoever lives there, with all that can be asked
for on them. ``sites`` is an operator's page of five hundred sites more, each with
values of this minute, a month of settled days, and some with alarms. In Chromium on a processor slowed four times:
first paint (150 ms), when it can be used (900 ms), the best and the median of fifteen cold loads; beside them a page of
a kilobyte without style, script and login, which is the floor of this machine, how long the first byte took, and the
first paint on the processor as it is.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from living import free_port
from processes import tree_cpu_s
from web_sockets import figure

from ems_pipeline import settings
from ems_pipeline.api.passwords import hashed
from ems_pipeline.cli.web import RETURNED
from ems_pipeline.warehouse import open_warehouse, people

PAGES = ("now", "plan", "slot", "money", "telemetry", "devices", "alarms", "override", "settings")
OF_SETS = ("gensets", "gensets/genset-1", "genset-alarms", "maintenance", "maintenance/log")
WHO, PASSWORD = "benchmark", "a password for a moment"
SERVED = """
import sys
from datetime import datetime
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.web import serve
serve.SystemClock = lambda: SimulatedClock(datetime.fromisoformat(sys.argv[2]))
serve.main("127.0.0.1", int(sys.argv[1]))"""
"""`ems web` at an instant; with ``--at`` it is a look back, which offers nothing to change."""
SLOWER, LOADS, WARM, SETTLED_MS = 4, 15, 25, 2500
MOST_MS, MOST_KB, PAINT_MS, USABLE_MS = 15.0, 20.0, 150.0, 900.0
LAST = timedelta(minutes=13, seconds=30)
"""After the begin of the last quarter-hour that was planned: where a demonstration ends."""
FLOOR = f"<!doctype html><title>floor</title><p>{'word ' * 190}</p>".encode()
SITES = 500
MANY = """
WITH made AS (
    INSERT INTO ems.site (site_key, name, timezone, latitude, longitude, market_zone, currency)
    SELECT 'more-' || n, 'Place ' || n, timezone, latitude, longitude, market_zone, currency
    FROM ems.site, generate_series(1, :count) AS n WHERE site_key = :site RETURNING site_key),
documents AS (
    INSERT INTO ems.site_config (site_key, config_hash, config, known_at)
    SELECT m.site_key, 'h', c.config, c.known_at FROM made m, (
        SELECT config, known_at FROM ems.site_config WHERE site_key = :site ORDER BY known_at DESC LIMIT 1) c),
points AS (
    INSERT INTO ems.point (site_key, device_key, quantity, unit)
    SELECT m.site_key, p.device_key, p.quantity, p.unit FROM made m, ems.point p WHERE p.site_key = :site
    RETURNING point_id),
measured AS (
    INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality)
    SELECT point_id, CAST(:at AS timestamptz), CAST(:at AS timestamptz), 100, 0 FROM points),
health AS (
    INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at, last_seen_at)
    SELECT site_key, 'inverter', 'ok', CAST(:at AS timestamptz), CAST(:at AS timestamptz) FROM made),
days AS (
    INSERT INTO ems.audit_day (site_key, day, currency, slots, settled_slots, coverage_pct, cost, known_at)
    SELECT site_key, CAST(:at AS date) - n, 'CZK', 96, 96, 100, 10, CAST(:at AS timestamptz)
    FROM made, generate_series(1, 31) AS n)
INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at)
SELECT site_key, 'unplanned', 'warning', 'no plan', CAST(:at AS timestamptz), CAST(:at AS timestamptz)
FROM made WHERE site_key LIKE '%7'"""
TIMING = """() => {
    const page = performance.getEntriesByType("navigation")[0];
    return {paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
            usable: page.domContentLoadedEventEnd, first_byte: page.responseStart};
}"""


def main() -> None:
    """Parse, serve a demo's home, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".ems/demo"), help="of a demonstration that has ended")
    parser.add_argument("--at", help="instant of the pages; of the last plan unless told")
    parser.add_argument("--asks", type=int, default=40, help="of each page")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    if not (chosen.home / "postgres").is_dir():
        sys.exit(f"{chosen.home} is no home of a demonstration; run `ems demo` first, or name one with --home")
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        subprocess.run(["cp", "-a", str(chosen.home), str(home)], check=True)  # the database is its owner's
        settings.HOME.hand_over(str(home))
        site, at = someone_to_look(chosen.at)
        figures = measure(home, site, at, chosen.asks)
    for row in figures:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} of {row['reference']:.0f}"
        print(f"{row['name']:24} {row['value']:>9.2f} {row['unit']:34} {ratio}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def someone_to_look(at: str | None) -> tuple[str, str]:
    """Let somebody in; the site, and the moment to look at."""
    with open_warehouse().begin() as connection:
        site, newest, polled_at = connection.execute(
            sa.text(
                """SELECT site_key, max(horizon_start), (SELECT max(taken_at) FROM ems.genset_live)
                   FROM ems.planning_run
                   WHERE kind = 'rolling' AND NOT is_hindsight GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"""
            )
        ).one()
        shown = datetime.fromisoformat(at) if at else polled_at or newest + LAST
        people.add(connection, people.Person(WHO, "owner", None), hashed(PASSWORD), "benchmark", shown)
    return site, f"{shown.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def older(site: str, count: int) -> list[str]:
    """So many plans, newest first."""
    with open_warehouse().begin() as connection:
        found = connection.execute(
            sa.text(
                """SELECT planning_run_id FROM ems.planning_run WHERE site_key = :site AND status <> 'failed'
                   ORDER BY decided_at DESC LIMIT :count"""
            ),
            {"site": site, "count": count},
        )
        return [str(number) for number in found.scalars()]


def pages_of_sets(site: str) -> list[str]:
    """Those that a site with controllers has; of its newest service the checklist."""
    with open_warehouse().begin() as connection:
        if not connection.scalar(
            sa.text("SELECT count(*) FROM ems.genset_live WHERE site_key = :site"), {"site": site}
        ):
            return []
        order = "SELECT max(order_id) FROM ems.maintenance_order WHERE site_key = :site"
        number = connection.scalar(sa.text(order), {"site": site})
    return [*OF_SETS, *([f"maintenance/tasks/{number}"] if number else [])]


def measure(home: Path, site: str, at: str, asks: int) -> list[dict[str, Any]]:
    """All figures."""
    port = free_port()
    environ = RETURNED | os.environ | {"EMS_HOME": str(home)}
    command = [sys.executable, "-c", SERVED, str(port), at]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)
    try:
        cookie = logged_in(port)
        found = []
        for page in (*PAGES, *pages_of_sets(site)):
            path, name = f"/ui/{site}/{page}", re.sub(r"\W", "_", page)
            cost_ms, document = asked(server.pid, port, [path], cookie, asks)
            if cost_ms is None:
                print(f"{path} is not there", file=sys.stderr)
                continue
            found.append(figure(f"{name}_cpu_ms", cost_ms, "ms of the server's processor", MOST_MS))
            found.append(figure(f"{name}_kb", len(document) / 1000, "kB packed", None))
            if page == PAGES[0]:
                found += first_visit(port, gzip.decompress(document).decode(), len(document))
        plans = [f"/ui/{site}/plan?plan_id={number}" for number in older(site, WARM + asks)]
        cost_ms, _ = asked(server.pid, port, plans, cookie, asks) if len(plans) == WARM + asks else (None, b"")
        if cost_ms is not None:
            found.append(figure("plan_anew_cpu_ms", cost_ms, "ms of the server's processor", MOST_MS))
        found += in_a_browser(port, f"/ui/{site}/{PAGES[0]}")
        with open_warehouse().begin() as connection:
            connection.execute(sa.text(MANY), {"site": site, "at": at, "count": SITES})
        cost_ms, document = asked(server.pid, port, ["/ui/sites"], cookie, asks)
        if cost_ms is not None:
            found.append(figure("sites_cpu_ms", cost_ms, "ms of the server's processor", MOST_MS))
            found.append(figure("sites_kb", len(document) / 1000, "kB packed", None))
        return found
    finally:
        server.terminate()
        server.wait()


def logged_in(port: int) -> str:
    """The cookie of a session, once the server answers."""
    form = urlencode({"name": WHO, "password": PASSWORD})
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            line.request("POST", "/ui/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = line.getresponse()
            if answer.status == 303:
                return str(answer.getheader("set-cookie")).partition(";")[0]
        except OSError:
            pass
        time.sleep(0.5)
    raise RuntimeError("`ems web` let nobody in within a minute")


def asked(pid: int, port: int, paths: Sequence[str], cookie: str, asks: int) -> tuple[float | None, bytes]:
    """Processor time per request, ms, of these in turn, and the last packed document; None: there is no such page."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    body, before_s = b"", 0.0
    for turn in range(WARM + asks):
        if turn == WARM:
            before_s = tree_cpu_s(pid)
        line.request("GET", paths[turn % len(paths)], headers=headers)
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            return None, b""
        time.sleep(0.06)  # one reader may ask twenty times a second
    return (tree_cpu_s(pid) - before_s) / asks * 1000, body


def first_visit(port: int, document: str, size: int) -> list[dict[str, Any]]:
    """What a browser fetches at first: the document and what it names."""
    named = re.findall(r'(?:href|src)="(/ui/(?:static/[^"]+|manifest[^"]+))"', document)
    own = [name for name in named if not name.endswith(".png")]
    for name in own:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("GET", name, headers={"Accept-Encoding": "gzip"})
        size += len(line.getresponse().read())
    return [
        figure("first_visit_kb", size / 1000, "kB packed", MOST_KB),
        figure("first_visit_requests", 1 + len(own), "requests", 5.0),
    ]


class Floor(BaseHTTPRequestHandler):
    """A page of a kilobyte."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(FLOOR)))
        self.end_headers()
        self.wfile.write(FLOOR)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def in_a_browser(port: int, path: str) -> list[dict[str, Any]]:
    """First paint and first use of a cold load, beside those of a kilobyte; nothing where there is no Chromium."""
    if (chromium := shutil.which("chromium")) is None:
        print("no chromium: paint is not measured", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    floor = ThreadingHTTPServer(("127.0.0.1", 0), Floor)
    threading.Thread(target=floor.serve_forever, daemon=True).start()
    loads: dict[str, list[dict[str, float]]] = {"floor": [], "page": [], "unslowed": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(LOADS):  # in turn, so that whatever else runs disturbs both
            loads["floor"].append(loaded(browser, f"http://127.0.0.1:{floor.server_port}", "/"))
            loads["page"].append(loaded(browser, f"http://127.0.0.1:{port}", path))
            loads["unslowed"].append(loaded(browser, f"http://127.0.0.1:{port}", path, 1))
        browser.close()
    floor.shutdown()
    print(json.dumps(loads), file=sys.stderr)
    least = {name: {of: min(load[of] for load in found) for of in found[0]} for name, found in loads.items()}
    slowed = f"ms, processor {SLOWER} x slower"
    usable = statistics.median(load["usable"] for load in loads["page"])
    return [
        figure("floor_paint_ms", least["floor"]["paint"], slowed, PAINT_MS),
        figure("first_paint_unslowed_ms", least["unslowed"]["paint"], "ms, this processor", PAINT_MS),
        figure("first_paint_ms", least["page"]["paint"], slowed, PAINT_MS),
        figure("first_paint_median_ms", statistics.median(load["paint"] for load in loads["page"]), slowed, PAINT_MS),
        figure("floor_median_ms", statistics.median(load["paint"] for load in loads["floor"]), slowed, PAINT_MS),
        figure("paint_over_floor", least["page"]["paint"] / least["floor"]["paint"], "times", None),
        figure("first_byte_ms", least["page"]["first_byte"], slowed, None),
        figure("usable_ms", least["page"]["usable"], slowed, USABLE_MS),
        figure("usable_median_ms", usable, slowed, USABLE_MS),
    ]


def loaded(browser: Any, base: str, path: str, slower: int = SLOWER) -> dict[str, float]:
    """When a cold load had its first byte, was painted and could be used, ms; whoever has to log in has done so."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=base)
    page = context.new_page()
    page.goto("/ui/login")
    if page.locator("input[name=password]").count():
        page.fill("input[name=name]", WHO)
        page.fill("input[name=password]", PASSWORD)
        page.click("button.main")
    page.goto("about:blank")  # else the page after the login would be taken down within the time that is measured
    slow = context.new_cdp_session(page)
    slow.send("Network.clearBrowserCache")
    slow.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(path, wait_until="commit")
    page.wait_for_timeout(SETTLED_MS)  # whatever is asked of the page before it is painted is done before it is painted
    timing: dict[str, float] = page.evaluate(TIMING)
    context.close()
    return timing


if __name__ == "__main__":
    os.environ.pop("EMS_DATABASE_URL", None)
    main()
