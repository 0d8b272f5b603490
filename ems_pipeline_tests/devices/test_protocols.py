"""A protocol is one record, one wire and one driver: none of them is there without the others."""

from __future__ import annotations

from typing import get_args

import pytest

from ems_pipeline.devices.installed.address import place_of, wires_of
from ems_pipeline.devices.installed.obedience import misfits
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.protocols import DRIVERS, WIRES
from ems_pipeline.sites import Site
from ems_pipeline.sites.protocol import PROTOCOLS, Protocol, ProtocolName, TransportName, has_units

METER = {"map": "m", "title": "", "driver": "meter", "silence": "", "sources": []}


def test_a_protocol_has_a_record_and_a_driver() -> None:
    assert set(PROTOCOLS) == set(DRIVERS) == set(get_args(ProtocolName))


def test_a_transport_has_a_wire_and_carries_a_protocol() -> None:
    carried = {t for protocol in PROTOCOLS.values() for t in protocol.transports}
    assert carried == set(WIRES) == set(get_args(TransportName))


@pytest.mark.parametrize("transport", get_args(TransportName))
def test_protocols_of_one_transport_agree_on_unit_ids(transport: TransportName) -> None:
    assert {p.has_units for p in PROTOCOLS.values() if transport in p.transports} == {has_units(transport)}


def test_a_device_without_a_unit_id_is_not_known_by_one(home01: Site) -> None:
    wires = wires_of(home01)
    for device in home01.devices:
        numbered = has_units(home01.gateway_of(device).transport)
        assert (" unit " in wires[device.key], " unit " in place_of(home01, device)) == (numbered, numbered)


def test_a_new_record_decides_what_a_map_needs_and_where_its_devices_are(
    home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the record: what reads it knows the protocol."""
    one = Protocol(
        transports=("http",), kind="made-up", words="", place="path", has_units=False, shares_unit=True,
        has_fields=True, written_by="field",
    )  # fmt: skip
    monkeypatch.setitem(PROTOCOLS, "http", one)  # type: ignore[misc]
    point = {"name": "power", "path": "x", "unit": "W", "access": "rw", "range": [0, 1], "safe_value": 0}
    with pytest.raises(ValueError, match="the link has no `field` that says how"):
        PointMap.model_validate({**METER, "protocol": "http", "points": [{**point, "field": "y"}]})
    monkeypatch.setitem(PROTOCOLS, "modbus", one)  # type: ignore[misc]
    monkeypatch.setitem(PROTOCOLS, "sunspec", one)  # type: ignore[misc]
    monkeypatch.setitem(PROTOCOLS, "smartgen", one)  # type: ignore[misc]
    assert not any(" unit " in place for place in wires_of(home01).values())
    assert any("put it behind a gateway of that transport" in fault for fault in misfits(home01))
