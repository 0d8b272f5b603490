"""A site file says what a site is, or says everything that is wrong with it."""

import os
from pathlib import Path

import pytest

from ems_pipeline.plain_text import plain
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


def test_an_override_that_is_no_yaml_or_no_number_is_refused_by_name() -> None:
    for wrong in ("[unclosed", "*alias", ".inf"):
        with pytest.raises(SiteFileError, match=r"EMS_SITE__HOME01__USUAL_LOAD_W|usual_load_w"):
            load_site(DEMO, environ={"EMS_SITE__HOME01__USUAL_LOAD_W": wrong})
    with pytest.raises(SiteFileError, match="check the path"):
        load_site(DEMO, environ={"EMS_SITE__HOME01__KEY__DEEPER": "1"})


def test_two_files_of_one_key_cannot_be_used_and_cost_no_other_anything(tmp_path: Path) -> None:
    text = DEMO.read_text(encoding="utf-8")
    for name, content in (("a", text), ("b", text), ("c", text.replace("key: home01", "key: home03", 1))):
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    first, second, third = load_sites(tmp_path)
    assert isinstance(third, Site)
    for refused in (first, second):
        assert isinstance(refused, SiteFileError)
        assert refused.site_key == "home01"
        assert "so does another file" in str(refused)
    (tmp_path / "home01.yaml").write_text(text, encoding="utf-8")
    usable = [item.key for item in load_sites(tmp_path) if isinstance(item, Site)]
    assert usable == ["home03", "home01"], "of several the one called after the key counts"


def broken_files(folder: Path) -> dict[str, str]:
    """One file for every way not to be a site file: its name and what is said of it."""
    (folder / "folder.yaml").mkdir()
    (folder / "dangling.yaml").symlink_to(folder / "nowhere")
    (folder / "circle.yaml").symlink_to(folder / "circle.yaml")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "latin.yaml").write_bytes("name: Königshof".encode("latin-1"))
    (folder / "large.yaml").write_text("#" * 2_000_000)
    (folder / "list.yaml").write_text("- a\n")
    (folder / "empty.yaml").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/n\xff.yaml")).write_text("key: [")
    said = {
        "folder": "no regular file", "dangling": "No such file", "circle": "symbolic links", "pipe": "no regular file",
        "latin": "not UTF-8 at byte 7", "large": "has 2000000 bytes", "list": "start with `key:`",
        "empty": "start with `key:`", "n": "is not YAML",
    }  # fmt: skip
    return {f"{name}.yaml": text for name, text in said.items()}


def test_whatever_lies_beside_a_good_file_is_named_and_the_good_one_is_read(tmp_path: Path) -> None:
    said = broken_files(tmp_path)
    (tmp_path / "home01.yaml").write_text(DEMO.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / ".home01.yaml").write_text("an editor's own")
    found = load_sites(tmp_path)
    assert [item.key for item in found if isinstance(item, Site)] == ["home01"]
    faults = {plain(item.path.name).replace("\\udcff", ""): str(item) for item in found if not isinstance(item, Site)}
    assert set(faults) == set(said)
    for name, text in said.items():
        assert text in faults[name], name
        assert faults[name].isprintable()


def test_a_folder_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "nowhere", tmp_path / "file"):
        (fault,) = load_sites(folder)
        assert "create it or set EMS_SITES" in str(fault)


def test_a_fault_is_told_once_and_with_the_right_remedy(tmp_path: Path) -> None:
    wrong = edited(tmp_path, ("high_per_kwh: 0.55", "standard_per_kwh: 0.55"))
    with pytest.raises(SiteFileError) as caught:
        load_site(wrong, environ={})
    message = str(caught.value)
    assert "has 2 fault(s)" in message
    assert "standard_per_kwh: unknown option. Known options: rate, high_per_kwh" in message
    assert "distribution.high_per_kwh: is missing" in message
    assert "standard_per_wh" not in message


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([("latitude: 50.08", "latitude: 14.42"), ("longitude: 14.42", "longitude: 50.08")], "swap them"),
        ([("currency: CZK\nusual", "currency: EUR\nusual")], "currency is EUR and tariff.currency CZK"),
        ([("usual_weekdays: [0, 1, 2, 3, 4]", "usual_weekdays: [7]")], "usual_weekdays[0] = 7"),
        ([("timezone: Europe/Prague", "timezone: CET")], "timezone = 'CET': time zone 'CET' is no Area/City"),
    ],
)
def test_facts_that_cannot_be_are_refused(tmp_path: Path, facts: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(SiteFileError) as caught:
        load_site(edited(tmp_path, *facts), environ={})
    assert said in str(caught.value)
