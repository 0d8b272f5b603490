"""What a site file may say for the planner beyond the demo site: read from YAML, refused when it names nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from ems_pipeline.sites import PlanningPolicy, load_site
from ems_pipeline.sites.loader import SiteFileError
from ems_pipeline.sites.planner import Challenger
from ems_pipeline.time_grid import zone
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


BANDS = """    efficiency_bands:
      - {upto_soc_pct: 20, charge_efficiency: 0.93, discharge_efficiency: 0.88}
      - {upto_soc_pct: 100, charge_efficiency: 0.96, discharge_efficiency: 0.96}
    wear_per_kwh: 0.35
"""


def test_efficiency_by_state_of_charge_is_read(tmp_path: Path) -> None:
    site = load_site(edited(tmp_path, ("    wear_per_kwh: 0.35\n", BANDS)), {})
    assert [b.upto_soc_pct for b in site.batteries[0].efficiency_bands] == [20, 100]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("upto_soc_pct: 100", "upto_soc_pct: 95"), "let them rise and end at 100"),
        (("upto_soc_pct: 20", "upto_soc_pct: 100"), "let them rise and end at 100"),
        (
            (
                "    wear_per_kwh",
                "    efficiency_steps: [{upto_w: 8000, charge_efficiency: 0.9, discharge_efficiency: 0.9}]\n"
                "    wear_per_kwh",
            ),
            "keep one of the two",
        ),
    ],
)
def test_bands_that_leave_a_charge_without_efficiency_are_refused(
    tmp_path: Path, wrong: tuple[str, str], said: str
) -> None:
    with pytest.raises(SiteFileError, match=said):
        load_site(edited(tmp_path, ("    wear_per_kwh: 0.35\n", BANDS.replace(*wrong))), {})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    reserve_soc_pct: 15\n    max_soc_pct: 100\n",
         "    reserve_soc_pct: 15\n    max_soc_pct: 80\n    keep_at_end_pct: 90\n", "is above max_soc_pct 80.0"),
        ("comfort_min_c: 20", "keep_at_end_c: 30, comfort_min_c: 20", "move it into the band"),
    ],
)  # fmt: skip
def test_what_is_kept_at_the_end_lies_within_what_is_allowed_at_all(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    with pytest.raises(SiteFileError, match=said):
        load_site(edited(tmp_path, (before, after)), {})


def test_what_holds_at_the_connection_at_some_hours_is_read_and_has_to_narrow_something(tmp_path: Path) -> None:
    """At noon UTC of a winter's day it is 13:00 in Prague."""
    terms = '{start: "13:00", end: "14:00", grid_to_battery: false}, {import_limit_w: 4000, days: [0]}'
    site = load_site(edited(tmp_path, ("phases: 3}", f"phases: 3, at_times: [{terms}]}}")), {})
    monday, place = datetime(2026, 3, 2, 12, tzinfo=UTC), zone(site.timezone)
    assert not site.grid.at(monday, place).grid_to_battery
    assert site.grid.at(monday, place).import_limit_w == 4000
    assert site.grid.at(monday + timedelta(days=1, hours=1), place).grid_to_battery
    assert site.grid.at(monday + timedelta(days=1), place).import_limit_w == site.grid.import_limit_w
    for wrong, said in (("{}", "change nothing"), ("{export_limit_w: 90000}", "no less than the")):
        with pytest.raises(SiteFileError, match=said):
            load_site(edited(tmp_path, ("phases: 3}", f"phases: 3, at_times: [{wrong}]}}")), {})


def test_a_charger_comes_after_batteries_that_can_hold_so_much(tmp_path: Path) -> None:
    car = "key: car-1, device: wallbox-1"
    options = "battery_to_car: false, most_price_per_kwh: 4.5, batteries_first_pct"
    site = load_site(edited(tmp_path, (car, f"{car}, {options}: 80")), {})
    assert (site.chargers[0].battery_to_car, site.chargers[0].batteries_first_pct) == (False, 80)
    less = ("max_soc_pct: 100", "max_soc_pct: 70")
    with pytest.raises(SiteFileError, match="hold 70 % at most"):
        load_site(edited(tmp_path, (car, f"{car}, {options}: 80"), less), {})


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("v2h: true", "v2h: no charger is told to discharge a car"),
        ("charge_on_wh: 5000", "charge_on_wh and charge_on_below_per_kwh belong together"),
    ],
)
def test_what_a_charger_cannot_do_is_refused_by_name(tmp_path: Path, option: str, said: str) -> None:
    car = "key: car-1, device: wallbox-1"
    with pytest.raises(SiteFileError, match=said):
        load_site(edited(tmp_path, (car, f"{car}, {option}")), {})


def test_a_challenger_that_plans_as_the_site_does_is_refused() -> None:
    PlanningPolicy(courses=False, challenger=Challenger(key="other", courses=False, gap=0.02))
    with pytest.raises(ValidationError, match="'same' plans as the site does \\(courses\\); let it differ"):
        PlanningPolicy(courses=False, challenger=Challenger(key="same", courses=False))
