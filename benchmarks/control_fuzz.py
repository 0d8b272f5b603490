"""100,000 situations of control, with all that people, files, clocks and devices do meanwhile: no breach of a law.

    python benchmarks/control_fuzz.py [--situations 100000] [--sites 50] [--seed 1] [--json FILE]

A situation is a site in a quarter-hour: a wild plan, overrides, arming and disarming, files that change (limits,
address, unit, keys, enabled or not), sites removed and back, gateways kept by somebody else, clock jumps, silent
devices, a copied file, neighbours whose row or file is broken, other code loaded, maps edited; and things withdrawn
while the run is at the device.

The laws: no value beyond a limit, none without both opt-ins at that moment, none by an old configuration, after its end
or for an override taken back, no two masters of a wire, no set-point without an end, and nothing left behind.

Devices are registers in memory, all else is the program with an embedded PostgreSQL in a temporary folder. Exit code 1
when a law was broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy.engine import make_url

from ems_pipeline.sites import load_site
from ems_pipeline.warehouse import Warehouse, embedded, migrate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the fuzz is the tests', a share of it runs there
from ems_pipeline_tests.control.fuzzing import Fuzz  # noqa: E402

DEMO = ROOT / "sites" / "home01.yaml"
SETTLED_EVERY, SHOWN_S = 40, 30.0
"""After so many rounds everybody withdraws, and nothing may be left; progress is shown in between."""


def main() -> None:
    """Parse, fuzz, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--situations", type=int, default=100_000)
    parser.add_argument("--sites", type=int, default=50, help="steered at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
        try:
            with warehouse.begin() as connection:
                connection.exec_driver_sql("ALTER DATABASE postgres SET synchronous_commit = off")
            migrate.upgrade(warehouse)
            figures = fuzzed(warehouse, chosen.situations, chosen.sites, chosen.seed)
        finally:
            warehouse.close()
            embedded.stop(data)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))
    sys.exit(1 if figures["breaches"] else 0)


def fuzzed(warehouse: Warehouse, situations: int, sites: int, seed: int) -> dict[str, object]:
    """What the situations came to."""
    began = shown = time.monotonic()
    fuzz = Fuzz(warehouse, load_site(DEMO, environ={}), sites, seed)
    done = rounds = 0
    with fuzz.at_work():
        while done < situations and not fuzz.world.breaches:
            done += fuzz.round()
            rounds += 1
            if rounds % SETTLED_EVERY == 0 or done >= situations:
                fuzz.settle()
                fuzz.forget_history()
            if time.monotonic() - shown >= SHOWN_S or done >= situations:
                shown = time.monotonic()
                print(f"{done} situations, {fuzz.world.told} values told, {shown - began:.0f} s", flush=True)
    for breach in fuzz.world.breaches:
        print(f"BREACH: {breach}")
    print(", ".join(f"{what} {times}" for what, times in sorted(fuzz.happened.items())))
    return {
        "situations": done,
        "values_told": fuzz.world.told,
        "seconds": time.monotonic() - began,
        "happened": dict(fuzz.happened),
        "breaches": fuzz.world.breaches,
    }


if __name__ == "__main__":
    main()
