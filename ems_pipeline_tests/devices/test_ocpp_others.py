"""Charge points that others wrote against our server of chargers. They are in no lock of ours:

python -m pip install --no-deps --target /tmp/others test-ocpp==1.0.0
npm install --prefix /tmp/others ocpp-ts@0.3.0
export PYTHONPATH=/tmp/others NODE_PATH=/tmp/others/node_modules
python -m pytest ems_pipeline_tests/devices/test_ocpp_others.py
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.devices.ocpp.admission import Door, Expected
from ems_pipeline.devices.ocpp.central import Central
from ems_pipeline.devices.ocpp.channel import Channel
from ems_pipeline.devices.ocpp.charger import Terms
from ems_pipeline.plant.ocpp_calls import Switchboard
from ems_pipeline.time_grid import SystemClock

PASSWORD = "correct horse battery"
STATION = "double-box"
HAS_TS = shutil.which("node") and (Path(os.environ.get("NODE_PATH", "/nowhere")) / "ocpp-ts").is_dir()
POINT = """
const { OcppClient } = require("ocpp-ts");
const point = new OcppClient("double-box"), told = [], at = () => new Date().toISOString();
const status = (connectorId, status) =>
  point.callRequest("StatusNotification", { connectorId, errorCode: "NoError", status, timestamp: at() });
point.on("error", (error) => { console.error(error.message); process.exit(1); });
point.on("SetChargingProfile", (asked, answer) => { told.push(["set", asked]); answer({ status: "Accepted" }); });
point.on("ClearChargingProfile", (asked, answer) => { told.push(["clear", asked]); answer({ status: "Accepted" }); });
point.on("GetCompositeSchedule", (asked, answer) => {
  const mine = told.filter(([kind, it]) => kind === "set" && it.connectorId === asked.connectorId).pop()[1];
  const schedule = mine.csChargingProfiles.chargingSchedule;
  const passed = Math.floor((Date.now() - Date.parse(schedule.startSchedule)) / 1000);
  const chargingSchedulePeriod = schedule.chargingSchedulePeriod.map(
    (period) => ({ ...period, startPeriod: Math.max(0, period.startPeriod - passed) }));
  answer({ status: "Accepted", connectorId: asked.connectorId, scheduleStart: at(),
    chargingSchedule: { duration: asked.duration, chargingRateUnit: "A", chargingSchedulePeriod } });
});
point.on("TriggerMessage", (asked, answer) => answer({ status: "NotImplemented" }));
point.on("connect", async () => {
  await point.callRequest("BootNotification", { chargePointVendor: "others", chargePointModel: "ts" });
  await status(0, "Available"); await status(1, "Available"); await status(2, "Preparing");
  const begun = await point.callRequest("StartTransaction",
    { connectorId: 2, idTag: "AB12", meterStart: 1000, timestamp: at() });
  await status(2, "Charging");
  const sampledValue = [{ value: "2.3", unit: "kW", measurand: "Power.Active.Import" },
    { value: "1250", unit: "Wh", measurand: "Energy.Active.Import.Register" }];
  await point.callRequest("MeterValues",
    { connectorId: 2, transactionId: begun.transactionId, meterValue: [{ timestamp: at(), sampledValue }] });
  console.log("charging " + begun.transactionId);
});
process.stdin.on("data", () => { console.log(JSON.stringify(told)); process.exit(0); });
point.connect(process.argv[1]);
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setenv("EMS_TEST_OCPP_PASSWORD", PASSWORD)


@contextmanager
def listening(terms: dict[str, Terms], password_env: str | None = None) -> Iterator[int]:
    """A server that expects these chargers; its port."""
    board, central, door = Switchboard(), Central(SystemClock()), Door("127.0.0.1", 0, password_env)
    try:
        assert board.do(central.follow(Expected({door: terms}))) == []
        yield central.ports[door]
    finally:
        board.do(central.close())
        board.end()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_test_ocpp_is_let_in_boots_and_beats(version: str) -> None:
    others = pytest.importorskip("test_ocpp", reason="test-ocpp is not installed; see the docstring")
    with listening({"wallbox-1": Terms()}, "EMS_TEST_OCPP_PASSWORD") as port:
        url, wrong = f"ws://127.0.0.1:{port}/ocpp", {"ocpp": version, "password": "wrong", "timeout": 5}
        found = asyncio.run(others.check_connection(url, "wallbox-1", **{**wrong, "password": PASSWORD}))
        assert found.subprotocol == f"ocpp{version}"
        assert found.boot_notification["status"] == "Accepted"
        assert set(found.heartbeat) == {"currentTime"}
        with pytest.raises(Exception, match="401"):
            asyncio.run(others.check_connection(url, "wallbox-1", **wrong))


@pytest.mark.skipif(not HAS_TS, reason="node or the package ocpp-ts of npm is missing; see the docstring")
def test_a_charge_point_of_ocpp_ts_with_two_connectors_is_read_told_and_let_go() -> None:
    """Its library holds what we ask against the schemas of the Open Charge Alliance."""
    terms = {f"car-{n}": Terms(3, connector=n, station=STATION) for n in (1, 2)}
    with listening(terms) as port:
        command = ["node", "-e", POINT, f"ws://127.0.0.1:{port}/"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as point:
            assert point.stdout is not None
            assert point.stdin is not None
            number = int(point.stdout.readline().split()[1])
            read = asyncio.run(ask(port))
            told, _ = point.communicate("end\n", timeout=10)
    assert [said["values"]["status"] for said in read] == [0, 2]
    assert "power" in read[0]["rests"]
    assert (read[1]["values"]["power"], read[1]["values"]["session_energy"]) == (2300.0, 250.0)
    assert (read[1]["values"]["current_limit"], read[1]["values"]["phases"]) == (10.0, 1)
    sent = [(kind, asked) for kind, asked in json.loads(told)]
    profiles = [asked["csChargingProfiles"] for kind, asked in sent if kind == "set"]
    assert [p["chargingProfileId"] for p in profiles] == [171, 172, 173, 171]
    assert profiles[2]["transactionId"] == number
    assert [asked["id"] for kind, asked in sent if kind == "clear"] == [172, 173]


async def ask(port: int) -> list[dict[str, Any]]:
    """What is said of both connectors once the second has been told; then it is let go."""
    channel = Channel(port)
    until = (SystemClock().now() + timedelta(minutes=20)).timestamp()
    second = {"name": "car-2", "limit_a": 10.0, "phases": 1, "until": until}
    try:
        for request in ({"do": "safe", "name": "car-2", "limit_a": 6.0}, {"do": "tell", **second}):
            assert await channel.ask(request) == {}
        found = [await channel.ask({"do": "read", "name": f"car-{n}", "fresh": n == 2}) for n in (1, 2)]
        assert await channel.ask({"do": "clear", "name": "car-2"}) == {}
        return found
    finally:
        await channel.close()
