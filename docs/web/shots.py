"""Pictures of the pages for docs/web.md: the demo's day, and the same home on a day with faults.

    ems demo                                  # a home to look at
    python docs/web/shots.py [--home .ems/demo]              # the few that stand beside this file
    python docs/web/shots.py --all --out /tmp/shots          # every page, whole

The day with faults is made in a copy of the home: hours after the last measurement, a device that does not answer, an
alarm whose text holds markup, prices of the next hours that nobody published.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import uvicorn
from playwright.sync_api import sync_playwright

from ems_pipeline import settings
from ems_pipeline.api.app import layered
from ems_pipeline.api.passwords import hashed
from ems_pipeline.api.web import Settings, Web
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import embedded, open_warehouse, people
from ems_pipeline.web import pages

HERE = Path(__file__).parent
PORT, PASSWORD = 8019, "a password for a moment"
PAGES = ("now", "plan", "slot", "money", "telemetry", "devices", "alarms", "override", "settings", "more")
KEPT = {"day": ("now", "plan", "slot", "money", "override", "devices"), "faults": ("now", "devices")}
ALL = ("sites", "people", "notices", "requests", "setup")
SIZES = {"phone": (390, 1000), "desk": (1280, 1000)}
FAULTS = """
UPDATE ems.device_health SET state = 'open', error_streak = 40, last_error = 'no usable answer in 2 s'
WHERE device_key = 'inverter';
INSERT INTO ems.alarm (site_key, device_key, kind, severity, text, raised_at, last_at, times) VALUES
    ('{site}', 'inverter', 'silent', 'critical',
     'inverter said <b>nothing</b> for two hours; look at its gateway', '{at}', '{at}', 8);
DELETE FROM ems.effective_price WHERE site_key = '{site}' AND starts_at > '{at}';
"""


def main() -> None:
    """Copy, spoil, serve, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".ems/demo"), help="of a demonstration that has ended")
    parser.add_argument("--all", action="store_true", help="every page, from its head to its foot")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the pictures")
    chosen = parser.parse_args()
    if shutil.which("chromium") is None or not (chosen.home / "postgres").is_dir():
        sys.exit(f"this needs chromium, and a home of `ems demo` in {chosen.home} (--home names another)")
    os.environ.pop("EMS_DATABASE_URL", None)
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        subprocess.run(["cp", "-a", str(chosen.home), str(home)], check=True)  # the database is its owner's
        settings.HOME.hand_over(str(home))
        site, at = somebody_to_look()
        shoot(site, at, chosen, "day")
        later = at + timedelta(hours=2)
        with open_warehouse().begin() as connection:
            connection.exec_driver_sql(FAULTS.format(site=site, at=later.isoformat()))
        shoot(site, later, chosen, "faults")
        embedded.stop(home / "postgres")


def somebody_to_look() -> tuple[str, datetime]:
    """Let somebody in; the site, and the last moment measured."""
    with open_warehouse().begin() as connection:
        site, at = connection.execute(
            sa.text("SELECT site_key, max(intended_at) FROM ems.setpoint WHERE source = 'plan' GROUP BY 1 LIMIT 1")
        ).one()
        shown = at + timedelta(minutes=13)
        people.add(connection, people.Person("anna", "owner", None), hashed(PASSWORD), "shots", shown)
    return site, shown


def shoot(site: str, at: datetime, chosen: argparse.Namespace, name: str) -> None:
    """Pages at both sizes, as small JPEG files."""
    with serving(at), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, base_url=f"http://127.0.0.1:{PORT}", locale="en-GB"
            )
            page = context.new_page()
            page.goto("/ui/login")
            page.fill("input[name=name]", "anna")
            page.fill("input[name=password]", PASSWORD)
            page.click("button.main")
            of_site = [f"{site}/{one}" for one in (PAGES if chosen.all else KEPT[name])]
            for path in [*of_site, *(ALL if chosen.all else ())]:
                page.goto(f"/ui/{path}")
                file = chosen.out / f"{name}-{path.rpartition('/')[2]}-{size}.jpg"
                page.screenshot(path=file, type="jpeg", quality=40, full_page=chosen.all)
                print(f"{file.name} {file.stat().st_size / 1000:.0f} kB", flush=True)
        browser.close()


@contextmanager
def serving(at: datetime) -> Iterator[None]:
    """The pages as whoever lives there saw them then: `ems web --at` is a look back and offers nothing to change."""
    app = layered(Web(Settings.from_environ(), SimulatedClock(at)), pages.ROUTERS)
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until_it_answers()
        yield
    finally:
        server.should_exit = True
        thread.join()


def until_it_answers() -> None:
    """Within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ui/login", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError("the pages did not answer in a minute")


if __name__ == "__main__":
    main()
