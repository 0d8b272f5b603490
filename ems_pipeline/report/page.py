"""The account of some days as one HTML file without any outside reference: it opens from a mail attachment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from jinja2 import Environment, PackageLoader, select_autoescape

from ems_pipeline import time_grid
from ems_pipeline.report.account import Account
from ems_pipeline.report.charts import Values, slot_chart
from ems_pipeline.report.summary import FLOW_NAMES, amount
from ems_pipeline.units import kilo

CHARTED_DAYS = 16
POWERS = {
    "pv": "pv_w", "load": "load_w", "grid": "grid_w", "battery": "battery_w", "ev": "ev_w", "heat pump": "heat_pump_w",
}  # fmt: skip
