"""A variant is its site with a patch in it, and what cannot be lived is refused before the night, by its name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ems_pipeline.backtest.month import as_lived
from ems_pipeline.backtest.study import Home, Study, StudyInvalid, Variant, patched, read_study
from ems_pipeline.sites import Site
from ems_pipeline.sites.revised import said_by

TEXT = """
study: battery-size
first: 2025-11-20
last: 2026-01-10
homes: [{site: home01}]
variants:
  as-is: {}
  larger: {site: {batteries: {pack: {capacity_wh: 20000}}}}
"""


def test_a_patch_merges_mappings_names_parts_by_their_key_and_takes_away_what_is_null() -> None:
    whole = {"a": {"b": 1, "c": 2}, "parts": [{"key": "x", "n": 1}, {"key": "y", "n": 2}]}
    assert patched(whole, {"a": {"b": None, "d": 3}}) == {"a": {"c": 2, "d": 3}, "parts": whole["parts"]}
    assert patched(whole, {"parts": {"y": {"n": 5}}})["parts"] == [{"key": "x", "n": 1}, {"key": "y", "n": 5}]
    assert patched(whole, {"parts": {"x": None}})["parts"] == [{"key": "y", "n": 2}]
    assert patched(whole, {"parts": [1]})["parts"] == [1]
    assert whole["a"] == {"b": 1, "c": 2}, "the site itself stays as it is"
    with pytest.raises(StudyInvalid, match=r"names \['z'\], and there is \['x', 'y'\]"):
        patched(whole, {"parts": {"z": {}}})


def test_a_study_is_read_with_its_sites_and_asks_for_whole_months_cut_at_its_ends(tmp_path: Path, home01: Site) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(TEXT, encoding="utf-8")
    study = read_study(file, lambda _name, _beside: said_by(home01))
    assert study.months == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    assert study.days_of(study.months[0]) == (date(2025, 11, 20), date(2025, 11, 30))
    assert study.days_of(study.months[2]) == (date(2026, 1, 1), date(2026, 1, 10))
    larger = study.variants["larger"].of(study.homes[0])
    assert [b.capacity_wh for b in larger.batteries] == [20_000]
    assert larger.tariff == home01.tariff
    assert Study.model_validate_json(study.model_dump_json()) == study, "it comes back from the database as it was"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("first: 2025-11-20", "first: 2026-11-20"), "last 2026-01-10 lies before first 2026-11-20"),
        (TEXT.replace("variants:", "variances:"), "variances"),
        ("study: x\n", "names no homes"),
    ],
)
def test_a_study_that_is_none_says_what_is_wrong(tmp_path: Path, home01: Site, text: str, said: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyInvalid, match=said):
        read_study(file, lambda _name, _beside: said_by(home01))


def test_a_variant_that_is_no_site_or_cannot_be_lived_is_refused(home01: Site) -> None:
    home = Home(key="h", site=said_by(home01))
    with pytest.raises(StudyInvalid, match=r"batteries\[pack\].capacity_wh"):
        Variant(site={"batteries": {"pack": {"capacity_wh": -1}}}).of(home)
    with pytest.raises(StudyInvalid, match="has 0 batteries; a backtest lives one"):
        as_lived(Variant(site={"batteries": None}).of(home))
    with pytest.raises(StudyInvalid, match="knows one efficiency each way"):
        as_lived(Variant(site={"batteries": {"pack": {"taper": {"from_soc_pct": 90, "full_limit_w": 500}}}}).of(home))
