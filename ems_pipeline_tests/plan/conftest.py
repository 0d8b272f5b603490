"""A spring day at the demo site as planning inputs: smooth, deterministic, cheap at noon and dear in the evening."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ems_pipeline import time_grid
from ems_pipeline.plan import EvSession, PlanInputs, SiteState
from ems_pipeline.sites import Site, load_site

START = datetime(2026, 3, 24, 12, tzinfo=UTC)
SITES = Path(__file__).parents[2] / "sites"


@pytest.fixture(scope="session")
def home() -> Site:
    """The demo site as its file says."""
    return load_site(SITES / "home01.yaml", {})


def bump(hour: np.ndarray, centre: float, width: float) -> np.ndarray:
    """A hill of height 1 around an hour of the day."""
    return np.exp(-0.5 * (((hour - centre + 12) % 24 - 12) / width) ** 2)


@pytest.fixture(scope="session")
def day_inputs() -> Callable[..., PlanInputs]:
    """Inputs of the demo site for a number of hours; state of charge and indoor temperature as wanted."""

    def make(hours: float = 36.0, soc_pct: float = 50.0, indoor_c: float = 21.0) -> PlanInputs:
        starts = [START + time_grid.SLOT * i for i in range(int(hours * 4))]
        hour = np.array([(at - START).total_seconds() / 3600 + 12.125 for at in starts]) % 24
        buy = 3.2 + 1.2 * bump(hour, 7.5, 1.5) + 2.4 * bump(hour, 19, 2) - 2.8 * bump(hour, 13, 2.5)
        sun = np.maximum(0.0, np.sin(np.pi * (hour - 6) / 12.5))
        evening = START.replace(hour=16, minute=20)
        return PlanInputs(
            starts=starts,
            buy_per_kwh=buy,
            sell_per_kwh=buy - 1.3,
            load_w=300 + 900 * bump(hour, 7.25, 1) + 1400 * bump(hour, 19, 1.7),
            pv_w={"roof-south": 5000 * sun, "roof-west": 2500 * sun**2},
            outdoor_c=6 + 5 * np.cos((hour - 15) / 24 * 2 * np.pi),
            sessions=(
                EvSession("car-1", evening, evening + timedelta(hours=13), 14_000.0),
                EvSession("car-2", evening + timedelta(hours=1), evening + timedelta(hours=14), 6_000.0),
            ),
            state=SiteState(at=START, soc_pct={"pack": soc_pct}, indoor_c={"heating": indoor_c}),
        )

    return make
