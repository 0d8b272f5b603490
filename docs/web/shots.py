"""Pictures of the pages for docs/web.md: the demo's day, and the same home on a day with faults.

    ems demo                                  # a home to look at, and two sites with gensets:
    python benchmarks/genset_week.py --days 1 --until 18:00 --home .ems/gensets
    python docs/web/shots.py [--home .ems/demo --gensets .ems/gensets]      # the few that stand beside this file
    python docs/web/shots.py --all --out shots [--scheme dark] [--locale cs-CZ]         # every page, whole

The day with faults is made in a copy of the home: hours after the last measurement, a device that does not answer, an
alarm whose text holds markup, prices of the next hours that nobody published. Of the two sites with gensets one has a
set that its controller has stopped, the other one carries its evening. A home that is not there is left out.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

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
OF_SETS = (
    "gensets", "gensets/genset-2", "gensets/board", "gensets/genset-1/table", "genset-alarms", "alarms", "maintenance",
    "maintenance/tasks/{task}", "maintenance/log", "maintenance/print", "maintenance/drafts", "devices", "override",
)  # fmt: skip
KEPT_OF_SETS = {"north": ("gensets", "genset-alarms"), "south": ("gensets/genset-2", "maintenance/tasks/{task}")}
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
    parser.add_argument("--gensets", type=Path, default=Path(".ems/gensets"), help="of `genset_week.py --home`")
    parser.add_argument("--all", action="store_true", help="every page, from its head to its foot")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--locale", default="en-GB", help="language of the browser")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the pictures")
    chosen = parser.parse_args()
    homes = [home for home in (chosen.home, chosen.gensets) if (home / "postgres").is_dir()]
    if shutil.which("chromium") is None or not homes:
        sys.exit(
            f"this needs chromium, and a home in {chosen.home} or {chosen.gensets} (--home, --gensets name others)"
        )
    os.environ.pop("EMS_DATABASE_URL", None)
    for home in homes:
        with copied(home):
            (gensets if home == chosen.gensets else day_and_faults)(chosen)


@contextmanager
def copied(home: Path) -> Iterator[None]:
    """A copy of a home, which may be spoilt; of one at rest, as no other can be copied."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "home"
        embedded.stop(home / "postgres")
        subprocess.run(["cp", "-a", str(home), str(copy)], check=True)  # the database is its owner's
        settings.HOME.hand_over(str(copy))
        yield
        embedded.stop(copy / "postgres")


def day_and_faults(chosen: argparse.Namespace) -> None:
    """The demo's day, and the same one hours later."""
    ((site, at),) = found(
        "SELECT site_key, max(intended_at) FROM ems.setpoint WHERE source = 'plan' GROUP BY 1 LIMIT 1"
    )
    shown = at + timedelta(minutes=13)
    somebody_to_look(shown)
    more = ALL if chosen.all else ()
    for name, when in (("day", shown), ("faults", shown + timedelta(hours=2))):
        if name == "faults":
            found(FAULTS.format(site=site, at=when.isoformat()))
        shoot([*(f"{site}/{one}" for one in (PAGES if chosen.all else KEPT[name])), *more], when, chosen, name)


def gensets(chosen: argparse.Namespace) -> None:
    """Two sites with sets as they were polled last."""
    ((at,),) = found("SELECT max(taken_at) FROM ems.genset_live")
    somebody_to_look(at)
    for site, kept in KEPT_OF_SETS.items():
        tasks = found(f"SELECT max(order_id) FROM ems.maintenance_order WHERE site_key = '{site}'")
        pages = [page.format(task=tasks[0][0]) for page in (OF_SETS if chosen.all else kept)]
        shoot([f"{site}/{page}" for page in pages], at, chosen, site)


def found(statement: str) -> list[Any]:
    """Rows of the home's database; none of what gives none."""
    with open_warehouse().begin() as connection:
        said = connection.exec_driver_sql(statement)
        return list(said.all()) if said.returns_rows else []


def somebody_to_look(at: datetime) -> None:
    """Let somebody in."""
    with open_warehouse().begin() as connection:
        people.add(connection, people.Person("anna", "owner", None), hashed(PASSWORD), "shots", at)


def shoot(paths: Sequence[str], at: datetime, chosen: argparse.Namespace, name: str) -> None:
    """Pages at both sizes, as small JPEG files."""
    with serving(at), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, base_url=f"http://127.0.0.1:{PORT}",
                locale=chosen.locale, color_scheme=chosen.scheme,
            )  # fmt: skip
            page = context.new_page()
            page.clock.install(time=at)  # the script counts ages and what is left by the browser's clock
            page.goto("/ui/login")
            page.fill("input[name=name]", "anna")
            page.fill("input[name=password]", PASSWORD)
            page.click("button.main")
            for path in paths:
                page.goto(f"/ui/{path}")
                if chosen.all:
                    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                of_site = re.sub(r"/\d+$", "", path.partition("/")[2]).replace("/", "-")
                file = chosen.out / f"{name}-{of_site or path}-{size}.jpg"
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
