"""A site that only Home Assistant measures, through a whole day: 96 quarter-hours on the plant's clock.

    python benchmarks/homeassistant_day.py [--first 2026-03-02] [--history-days 3] [--seed 1]

The demo home with all its parts, each read from entities of a twin of Home Assistant (REST, token, ages as it states
them); nothing of it can be steered. The table is that of `lived_day.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import date
from pathlib import Path

import yaml
from lived_day import ROOT, live

from ems_pipeline.sites import load_site

sys.path.insert(0, str(ROOT))  # the site is the tests'
from ems_pipeline_tests.devices.home_assistant_site import TOKEN, measured_by_home_assistant


def main() -> None:
    """Parse, write the site's file, live the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2026, 3, 2))
    parser.add_argument("--history-days", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    site = measured_by_home_assistant(load_site(ROOT / "sites" / "home01.yaml", environ={}))
    os.environ.setdefault(TOKEN, "a token of the twin")
    with tempfile.TemporaryDirectory(prefix="ems-site-") as folder:
        file = Path(folder) / "home01.yaml"
        file.write_text(yaml.safe_dump(site.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        live(file, chosen.first, chosen.history_days, chosen.seed)


if __name__ == "__main__":
    main()
