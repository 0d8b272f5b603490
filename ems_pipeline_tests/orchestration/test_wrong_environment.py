"""A variable that says what it cannot say keeps everything from starting, and is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.cli import checkup
from ems_pipeline.orchestration.installation import environment, hand_back, live

WRONG = {
    "EMS_SOURCE_TIMEOUT_S": ["soon", "", "0", "-20", "nan", "inf", "1e9", "0.5", "20 s"],
    "EMS_SHARDS": ["0", "many", "1.5", "1000000000"],
    "EMS_KEEP_MINUTES_DAYS": ["0", "half", "999999999999"],
    "EMS_PV_SECOND_SOURCE": ["forecast_solar"],
    "EMS_NOTIFY_WEBHOOK_FILE": ["/nobody/put/it/here"],
}


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*WRONG, "EMS_NOTIFY_WEBHOOK"):
        monkeypatch.delenv(name, raising=False)


def test_an_environment_that_says_nothing_is_right() -> None:
    environment.demand()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    (fault,) = environment.faults()
    assert name in fault
    assert value in fault
    assert "; " in fault or ": " in fault, "with the remedy"
    (found,) = checkup.run(checkup.environment)
    assert (found.level, found.text) == ("wrong", fault)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMS_SOURCE_TIMEOUT_S", "1"),
        ("EMS_SOURCE_TIMEOUT_S", "120"),
        ("EMS_SHARDS", "1000"),
        ("EMS_KEEP_MINUTES_DAYS", "8"),
    ],
)
def test_a_value_at_its_bound_is_right(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert environment.faults() == []


def test_nothing_begins_with_a_wrong_environment_and_all_faults_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMS_SOURCE_TIMEOUT_S", "soon")
    monkeypatch.setenv("EMS_SHARDS", "0")
    for begin in (lambda: live.serve(None, False, 0, print), lambda: live.serve_code("127.0.0.1", 1)):
        with pytest.raises(environment.WrongEnvironment, match=r"(?s)TIMEOUT_S.*EMS_SHARDS"):
            begin()
    assert not (tmp_path / "home").exists()


def test_devices_are_let_go_although_nobody_can_be_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of the webhook's address was removed while `ems up` ran, which was killed then."""
    monkeypatch.setenv("EMS_NOTIFY_WEBHOOK_FILE", "/nobody/put/it/here")
    assert hand_back._ways() == []
    assert "EMS_NOTIFY_WEBHOOK_FILE" in "".join(capsys.readouterr())
