"""A variable that says what it cannot say keeps everything from starting, and is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline import settings
from ems_pipeline.cli import checkup
from ems_pipeline.orchestration.installation import hand_back, up

WRONG = {
    "EMS_SOURCE_TIMEOUT_S": ["soon", "", "0", "-20", "nan", "inf", "1e9", "0.5", "20 s"],
    "EMS_SHARDS": ["0", "many", "1.5", "1000000000"],
    "EMS_KEEP_MINUTES_DAYS": ["0", "half", "999999999999"],
    "EMS_PV_SECOND_SOURCE": ["forecast_solar"],
    "EMS_NOTIFY_WEBHOOK_FILE": ["/nobody/put/it/here"],
    "EMS_LOG": ["JSON", "yes"],
    "EMS_PLOTS": ["no"],
    "EMS_FIRST_DAY": ["tomorrow"],
    "EMS_DATABASE_URL": ["mysql://ems@host/ems", "host/ems"],
    "EMS_SOURCE_OTE_URL": ["ote.example", "ftp://ote.example"],
    "EMS_WEB_SECRET_FILE": ["/nobody/put/it/here"],
    "EMS_WEB_HOSTS": ["https://ems.example", "ems.example:8443", "ems example", "*"],
    "EMS_WEB_PROXIES": ["proxy", "10.0.0.1/8", "10.0.0.300"],
    "EMS_WEB_DATABASE_URL": ["mysql://ems@host/ems", "somewhere"],
}
"""By the tests' own names; what each allows, the error says."""
HIDDEN = {"EMS_NOTIFY_WEBHOOK": "chat.example/T0K3N", "EMS_WEB_SECRET": "s3cret"}


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*WRONG, *HIDDEN):
        monkeypatch.delenv(name, raising=False)


def test_an_environment_that_says_nothing_is_right() -> None:
    settings.demand()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    (fault,) = settings.faults()
    assert name in fault
    assert value in fault
    assert "; " in fault or ": " in fault, "with the remedy"
    (found,) = checkup.run(checkup.environment)
    assert (found.level, found.text) == ("wrong", fault)


@pytest.mark.parametrize(("name", "value"), HIDDEN.items())
def test_a_wrong_secret_is_refused_by_name_and_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(value, encoding="utf-8")
    for variable, said in ((name, value), (f"{name}_FILE", str(tmp_path / "secret"))):
        with monkeypatch.context() as patched:
            patched.setenv(variable, said)
            (fault,) = settings.faults()
        assert fault.startswith(f"{name} is a text of {len(value)} characters; write ")
        assert value not in fault


def test_a_password_in_a_wrong_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("mysql://ems:geheim@host/ems", "host;password=geheim"):
        monkeypatch.setenv("EMS_WEB_DATABASE_URL", value)
        (fault,) = settings.faults()
        assert "geheim" not in fault
        assert "***" in fault


def test_a_secret_of_a_source_that_cannot_be_read_keeps_nothing_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMS_ENTSOE_TOKEN_FILE", "EMS_RTE_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nobody/put/it/here")
    assert settings.faults() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMS_SOURCE_TIMEOUT_S", "1"),
        ("EMS_SOURCE_TIMEOUT_S", "120"),
        ("EMS_SHARDS", "1000"),
        ("EMS_KEEP_MINUTES_DAYS", "8"),
        ("EMS_WEB_SECRET", "a" * 32),
        ("EMS_WEB_HOSTS", "ems.example, EMS_1.local ,::1,192.0.2.7"),
        ("EMS_WEB_PROXIES", "*"),
        ("EMS_WEB_PROXIES", "192.0.2.7, 10.0.0.0/8,fd00::/8"),
        ("EMS_WEB_DATABASE_URL", "postgresql://ems_web@db:5432/ems"),
        ("EMS_WEB_DATABASE_URL", "host=db dbname=ems user=ems_web"),
        ("EMS_DATABASE_URL", "postgresql+psycopg2://ems@db/ems"),
        ("EMS_DATABASE_URL", ""),
        ("EMS_LOG", "text"),
        ("EMS_PLOTS", "0"),
    ],
)
def test_a_value_that_may_be_is_right(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert settings.faults() == []


def test_nothing_begins_with_a_wrong_environment_and_all_faults_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMS_SOURCE_TIMEOUT_S", "soon")
    monkeypatch.setenv("EMS_SHARDS", "0")
    monkeypatch.setenv("EMS_WEB_PROXIES", "proxy")
    for begin in (lambda: up.serve(None, False, 0, print), lambda: up.serve_code("127.0.0.1", 1)):
        with pytest.raises(settings.WrongEnvironment, match=r"(?s)TIMEOUT_S.*EMS_WEB_PROXIES.*EMS_SHARDS"):
            begin()
    assert not (tmp_path / "home").exists()


def test_devices_are_let_go_although_nobody_can_be_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of the webhook's address was removed while `ems up` ran, which was killed then."""
    monkeypatch.setenv("EMS_NOTIFY_WEBHOOK_FILE", "/nobody/put/it/here")
    assert hand_back._ways() == []
    assert "EMS_NOTIFY_WEBHOOK_FILE" in "".join(capsys.readouterr())
