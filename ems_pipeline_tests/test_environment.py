"""The example of the environment names every variable that the program reads, and no other."""

import re

from ems_pipeline_tests.conftest import ROOT

NAME = re.compile(r"\bEMS_[A-Z0-9_]*[A-Z0-9]")
STEMS = ("EMS_SITE__", "EMS_SOURCE_", "EMS_PRICE_SOURCES_")
"""Families: what follows the stem is a site, a source, a zone."""
NOT_READ = {"EMS_DATABASE", "EMS_SITE", "EMS_SOURCE", "EMS_PRICE_SOURCES"}
"""Words of sentences and stems, no variables."""


def family(name: str) -> str:
    return next((stem for stem in STEMS if name.startswith(stem)), name.removesuffix("_FILE"))


def names(text: str) -> set[str]:
    return {family(name) for name in NAME.findall(text)} - NOT_READ


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    code = [*(ROOT / "ems_pipeline").rglob("*.py"), ROOT / "dagster.yaml", *(ROOT / "deploy").glob("*.yaml")]
    read = set().union(*(names(path.read_text(encoding="utf-8")) for path in code))
    assert names((ROOT / ".env.example").read_text(encoding="utf-8")) == read
