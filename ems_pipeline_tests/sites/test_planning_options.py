"""What a site file may say for the planner beyond the demo site: read from YAML, refused when it names nothing."""

from pathlib import Path

import pytest

from ems_pipeline.sites import load_site
from ems_pipeline.sites.loader import SiteFileError
from ems_pipeline_tests.sites.test_loader import edited

OPTIONS = """
gensets:
  - key: diesel
    min_power_w: 2000
    max_power_w: 8000
    start_cost: 20
    fuel_per_kwh: 9
    idle_fuel_per_h: 15
    warm_up_minutes: 15
    max_starts_per_day: 2
    run_hours_left: 120
    quiet_hours: [{start: "22:00", end: "06:00"}]
deferrables:
  - {key: washing, power_w: 2000, run_minutes: 90, window: {start: "08:00", end: "16:00"}, weekdays: [0, 2, 4]}
fuses:
  - {key: garage, limit_w: 11000, chargers: [car-1, car-2]}
inverters:
  - {key: hybrid, ac_limit_w: 12000, pv: [roof-south, roof-west], batteries: [pack]}
gateways:
"""


def test_gensets_machines_fuses_and_inverters_are_read(tmp_path: Path) -> None:
    site = load_site(edited(tmp_path, ("\ngateways:\n", OPTIONS)), {})
    assert site.gensets[0].quiet_hours[0].start.hour == 22
    assert site.deferrables[0].weekdays == (0, 2, 4)
    assert site.fuses[0].chargers == ("car-1", "car-2")
    assert site.inverters[0].ac_limit_w == 12_000


@pytest.mark.parametrize(
    ("wrong", "named"),
    [("[car-1, car-2]", "fuse 'garage' names charger 'car-9'"), ("[pack]", "inverter 'hybrid' names battery 'car-9'")],
)
def test_a_group_that_names_an_unknown_asset_is_refused_with_what_exists(
    tmp_path: Path, wrong: str, named: str
) -> None:
    with pytest.raises(SiteFileError, match=named):
        load_site(edited(tmp_path, ("\ngateways:\n", OPTIONS.replace(wrong, "[car-9]"))), {})
