"""A site file says what a site is, or says everything that is wrong with it."""

from pathlib import Path

import pytest

from ems_pipeline.sites import Site, load_site, load_sites
from ems_pipeline.sites.loader import SiteFileError

DEMO = Path(__file__).parents[2] / "sites" / "home01.yaml"


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The demo site file with some text replaced."""
    text = DEMO.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{old!r} is not in {DEMO.name}"
        text = text.replace(old, new, 1)
    target = tmp_path / "site.yaml"
    target.write_text(text, encoding="utf-8")
    return target


def test_the_demo_site_is_what_its_file_says(home01: Site) -> None:
    assert [array.peak_power_w for array in home01.pv] == [6000, 3600]
    assert home01.gateway_of(home01.device("heat-pump")).port == 15021
    assert home01.control.enabled


def test_every_fault_of_a_file_is_listed_with_its_remedy(tmp_path: Path) -> None:
    wrong = edited(
        tmp_path,
        ("capacity_wh: 15000", "capacity_kwh: 15"),
        ("import_limit_w: 17000", "import_limit_w: 17"),
        ("timezone: Europe/Prague", "timezone: Europe/Praha"),
    )
    with pytest.raises(SiteFileError) as caught:
        load_site(wrong, environ={})
    message = str(caught.value)
    assert "batteries[pack].capacity_kwh: unknown option. Units here are W and Wh: write capacity_wh" in message
    assert "batteries[pack].capacity_wh: is missing; add it" in message
    assert "fault(s)" in message


def test_kilowatts_in_a_watt_field_are_recognised(tmp_path: Path) -> None:
    wrong = edited(tmp_path, ("peak_power_w: 6000", "peak_power_w: 6"))
    with pytest.raises(SiteFileError, match=r"6(\.0)? looks like kW: write 6000"):
        load_site(wrong, environ={})


def test_a_misspelt_option_is_named_with_its_neighbour(tmp_path: Path) -> None:
    wrong = edited(tmp_path, ("tilt_deg: 35", "tilt_degree: 35"))
    with pytest.raises(SiteFileError, match="Did you mean 'tilt_deg'"):
        load_site(wrong, environ={})


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("key: [unclosed", "check indentation and quotes"),
        ("- a\n- b\n", "start with `key:`"),
        ("", "start with `key:`"),
    ],
)
def test_a_file_that_is_no_site_says_what_to_do(tmp_path: Path, text: str, remedy: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError, match=remedy):
        load_site(path, environ={})


def test_the_environment_overrides_one_option_of_one_list_item() -> None:
    site = load_site(DEMO, environ={"EMS_SITE__HOME01__GATEWAYS__RS485__HOST": "192.0.2.7"})
    assert {g.key: g.host for g in site.gateways} == {
        "rs485": "192.0.2.7",
        "rs485-heat": "127.0.0.1",
        "miniserver": "127.0.0.1",
    }


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(SiteFileError, match="check the path"):
        load_site(DEMO, environ={"EMS_SITE__HOME01__GATEWAYS__RS232__HOST": "192.0.2.7"})


def test_a_device_behind_an_unknown_gateway_is_refused(tmp_path: Path) -> None:
    wrong = edited(tmp_path, ("gateway: rs485-heat", "gateway: rs232"))
    with pytest.raises(SiteFileError, match=r"names gateway 'rs232'; known gateways"):
        load_site(wrong, environ={})


def test_two_files_of_one_key_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(DEMO.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SiteFileError, match="used by more than one file"):
        load_sites(tmp_path, environ={})
