"""Every variable of the environment is named once, in `ems_pipeline.settings`, and read nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ems_pipeline import settings
from ems_pipeline.settings import SECTIONS, Family, Secret, Setting, WrongSetting
from ems_pipeline_tests import settings_pages
from ems_pipeline_tests.conftest import ROOT

PACKAGE = ROOT / "ems_pipeline"
NAME = re.compile(r"\bEMS_[A-Z0-9_]*[A-Z0-9]")
WORDS = {"EMS_DATABASE"}
"""Constants that are called so, no variables."""
WHOLE = {
    "settings/setting.py": "reads what is asked for, and hands over",
    "secret.py": "passwords by the names that site files give",
    "http/conversation.py": "proxies and certificates are the machine's, by the names that all programs share",
    "sites/loader.py": "values of site files by the names of variables",
    "backtest/pool.py": "its processes are told to use one thread each, by the names that libraries read",
    "plant/plant.py": "passwords of the virtual devices, by the names that site files give",
    "warehouse/backup.py": "pg_dump and pg_restore get all of it, and the password",
    "cli/web.py": "the web process gets all of it",
    "orchestration/installation/up.py": "children get all of it, and the addresses of the virtual plant",
    "orchestration/installation/demo.py": "the addresses of the virtual plant, for as long as it answers",
    "orchestration/machinery/instance.py": "DAGSTER_HOME and the like are Dagster's",
    "orchestration/machinery/storage.py": "what Dagster's own commands say is Dagster's",
}
"""Who handles the environment of a process, and why."""
VARIABLES = [setting for section in SECTIONS.values() for setting in section]


def handles_the_environment(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "getenvb", "putenv"):
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            return True
    return False


def test_nobody_but_the_settings_reads_the_environment() -> None:
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if handles_the_environment(path)}
    assert found == set(WHOLE), "ask ems_pipeline.settings; who handles the whole of it stands in WHOLE with a reason"


def test_every_variable_has_a_name_of_its_own_and_stands_in_one_section() -> None:
    constants = [value for value in vars(settings).values() if isinstance(value, Setting | Family)]
    assert sorted(s.name for s in constants) == sorted(s.name for s in VARIABLES)
    assert len({s.name for s in VARIABLES}) == len(VARIABLES)


def named(text: str) -> set[str]:
    """Variables in a text, by what the settings call them; a family by its stem."""
    families = [s for s in VARIABLES if isinstance(s, Family)]
    plain = {s.name for s in VARIABLES if isinstance(s, Setting)}
    found = {name if name in plain else name.removesuffix("_FILE") for name in NAME.findall(text)} - WORDS
    return {
        next((f.stem for f in families if name not in plain and f"{name}__".startswith(f.stem)), name) for name in found
    }


def test_code_and_deployment_name_no_variable_that_is_not_there() -> None:
    code = [*PACKAGE.rglob("*.py"), ROOT / "dagster.yaml", ROOT / "docker-compose.yml", *(ROOT / "deploy").rglob("*.*")]
    told = set().union(*(named(path.read_text(encoding="utf-8")) for path in code if path.is_file()))
    assert told == {s.stem if isinstance(s, Family) else s.name for s in VARIABLES}


def test_the_example_and_the_table_say_what_the_settings_say() -> None:
    assert settings_pages.EXAMPLE.read_text(encoding="utf-8") == settings_pages.example(), "run `make settings`"
    assert settings_pages.TABLE.read_text(encoding="utf-8") == settings_pages.operations(), "run `make settings`"


@pytest.mark.parametrize("setting", [s for s in VARIABLES if isinstance(s, Setting)], ids=lambda s: s.name)
def test_a_default_is_what_its_text_stands_for(setting: Setting[object]) -> None:
    """What `.env.example` shows can be taken over; a default that is shown there is the one that holds."""
    if setting.sample:
        value = setting.read({setting.name: setting.sample})
        assert setting.default is None or value == setting.default
    assert setting.read({}) == setting.default


@pytest.mark.parametrize("family", [s for s in VARIABLES if isinstance(s, Family)], ids=lambda s: s.name)
def test_the_sample_of_a_family_is_one_of_it(family: Family[object]) -> None:
    name, _, text = family.sample.partition("=")
    assert list(family.read({name: text, "EMS_OTHER": "x"})) == [name]


def test_a_family_is_asked_by_the_name_of_what_it_is_for() -> None:
    variables = {"EMS_SOURCE_FORECAST_SOLAR_URL": "https://a.example", "EMS_PRICE_SOURCES_DE_LU": "a, b"}
    assert settings.SOURCE_URL.of("forecast.solar", variables) == "https://a.example"
    assert settings.PRICE_SOURCES.of("DE-LU", variables) == ("a", "b")
    assert settings.SOURCE_URL.of("ote", variables) is None
    with pytest.raises(WrongSetting, match="EMS_SOURCE_OTE_URL is 'here'; write an address"):
        settings.SOURCE_URL.of("ote", {"EMS_SOURCE_OTE_URL": "here"})


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n", encoding="utf-8")
    for secret in (s for s in VARIABLES if isinstance(s, Secret) and s.form is settings.forms.SECRET):
        assert secret.read({f"{secret.name}_FILE": str(tmp_path / "token")}) == "abc"


def test_what_is_empty_is_not_set() -> None:
    assert settings.HOME.read({"EMS_HOME": ""}) == Path(".ems/live")
    assert not settings.DATABASE_URL.is_set({"EMS_DATABASE_URL": ""})
