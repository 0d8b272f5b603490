"""A power shared out to batteries: what is wanted is what they get, nobody more than he may, and whoever holds more
gives no less.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.sites import Battery, Site, load_site
from ems_pipeline.sites.fleet import LEAST, by_charge, shares
from ems_pipeline_tests.conftest import ROOT

MAISON = ROOT / "examples" / "maison.yaml"
W = st.floats(0, 5000)
PARTS = st.lists(st.tuples(st.floats(0, 6000), W), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def maison() -> Site:
    return load_site(MAISON)


@given(W.map(lambda w: 4 * w), PARTS)
def test_the_sum_is_what_is_wanted_or_all_that_may_be_had(total_w: float, parts: list[tuple[float, float]]) -> None:
    weights, limits_w = [w for w, _ in parts], [limit for _, limit in parts]
    most_w = sum(limit for weight, limit in parts if weight >= LEAST)
    assert sum(shares(total_w, weights, limits_w)) == pytest.approx(min(total_w, most_w), abs=2 * LEAST)


@given(W, PARTS)
def test_nobody_gets_more_than_he_may_less_than_nothing_or_anything_without_a_weight(
    total_w: float, parts: list[tuple[float, float]]
) -> None:
    found = shares(total_w, [w for w, _ in parts], [limit for _, limit in parts])
    assert all(0 <= share <= limit + 1e-6 for share, (_, limit) in zip(found, parts, strict=True))
    assert all(share == 0 for share, (weight, _) in zip(found, parts, strict=True) if weight == 0)


@given(W, W, PARTS)
def test_who_is_asked_for_more_gives_nowhere_less(
    one_w: float, more_w: float, parts: list[tuple[float, float]]
) -> None:
    weights, limits_w = [w for w, _ in parts], [limit for _, limit in parts]
    little, much = (shares(w, weights, limits_w) for w in sorted((one_w, more_w)))
    assert all(a <= b + 1e-3 for a, b in zip(little, much, strict=True))


@given(W, st.lists(st.floats(1, 6000), min_size=2, max_size=6), W)
def test_of_equals_in_limit_whoever_holds_more_gives_no_less(
    total_w: float, weights: list[float], limit_w: float
) -> None:
    found = shares(total_w, weights, [limit_w] * len(weights))
    ranked = [share for _, share in sorted(zip(weights, found, strict=True))]
    assert all(a <= b + 1e-3 for a, b in pairwise(ranked))


def test_what_one_cannot_give_the_others_do() -> None:
    """1500 W from 1, 1 and 2 kWh at 800 W each: by weight 375, 375 and 750."""
    assert shares(1500, [1000, 1000, 2000], [800, 800, 800]) == pytest.approx([375, 375, 750])
    assert shares(2000, [1000, 1000, 2000], [800, 800, 800]) == pytest.approx([600, 600, 800])
    assert shares(2000, [1000, 0, 2000], [800, 800, 800]) == pytest.approx([800, 0, 800])


def test_a_fleet_is_one_battery_with_its_members_added(maison: Site) -> None:
    (fleet,) = maison.fleets
    whole = fleet.whole(maison.batteries)
    assert (whole.capacity_wh, whole.charge_limit_w, whole.discharge_limit_w) == (15360, 7500, 2400)
    assert (whole.min_soc_pct, whole.charge_efficiency) == (pytest.approx(12), pytest.approx(0.92))


def test_a_charge_that_nobody_knows_weighs_nothing(maison: Site) -> None:
    venus: list[Battery] = [b for b in maison.batteries if b.key != "pack"]
    known = {"venus-1": 50.0, "venus-2": 12.0}
    assert by_charge(venus, known, charging=False, to_pct=0.0) == pytest.approx([0.38 * 5120, 0.0, 0.0])
    assert by_charge(venus, known, charging=True, to_pct=60.0) == pytest.approx([0.10 * 5120, 0.48 * 5120, 0.0])


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ("[venus-1, venus-9]", "names battery 'venus-9'; known"),
        ("[venus-1, venus-1, venus-2]", "named twice by fleets"),
        ("[venus-1, pack]", "shares its inverter with modules"),
        ("[venus-1]", "at least 2"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused_with_the_file(members: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "maison.yaml"
    text = MAISON.read_text(encoding="utf-8")
    file.write_text(text.replace("batteries: [venus-1, venus-2, venus-3]", f"batteries: {members}"), encoding="utf-8")
    with pytest.raises(ValueError, match=fault):
        load_site(file)


def test_an_address_of_its_own_is_a_batterys_and_no_bus_has_one(tmp_path: Path) -> None:
    file = tmp_path / "maison.yaml"
    bus = "{key: rs485, transport: modbus-tcp, host: 127.0.0.1, port: 15120"
    file.write_text(MAISON.read_text(encoding="utf-8").replace(bus, f"{bus}, mac: 02ab4c5d6e79"), encoding="utf-8")
    with pytest.raises(ValueError, match="mac and local_port mean nothing to a gateway that speaks modbus-tcp"):
        load_site(file)
