"""Modbus over real sockets: values, echoes, and what each misbehaviour of a bus turns into."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.framer.rtu import FramerRTU

from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite, SetpointRefused
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline_tests.devices.bench import Slave, bus, driver, scripted

DEYE = load_map("deye-sun-20k-hp3", {})
SAMSUNG = load_map("samsung-ehs-mim-b19n", {})
TELTONIKA = load_map("teltonika-teltocharge", {})


def test_a_deye_is_read_in_site_units_and_signs():
    async def run():
        slave = Slave()
        slave.hold(DEYE, grid_power_w=-1234, battery_power_w=-3210, battery_soc_pct=63, battery_voltage_v=402.3)
        slave.hold(DEYE, pv1_power=2500, pv2_power=1500, load_power_w=700, grid_frequency_hz=50.01)
        async with bus({1: slave}) as port:
            return good_values(await driver("deye-sun-20k-hp3", port).read())

    values = asyncio.run(run())
    assert values["grid_power_w"] == -1234
    assert values["battery_power_w"] == -3210
    assert values["pv_power_w"] == 4000
    assert values["battery_soc_pct"] == 63
    assert values["grid_frequency_hz"] == pytest.approx(50.01)


def test_a_live_sweep_of_a_deye_takes_four_requests():
    """At 9600 baud each request costs about 0.2 s and a 50 ms gap: the fewer the better."""

    async def run():
        slave = Slave()
        async with bus({1: slave}) as port:
            await driver("deye-sun-20k-hp3", port).read()
        return slave.reads

    reads = asyncio.run(run())
    assert len(reads) == 4
    assert max(count for _, _, count in reads) <= DEYE.link.max_read


def test_reading_never_touches_an_address_the_samsung_does_not_have():
    async def run():
        slave = Slave(valid={a for p in SAMSUNG.points for a in p.addresses})
        slave.hold(SAMSUNG, unit_status=7, outdoor_temp_c=-3.5, flow_temp_c=36.2)
        async with bus({3: slave}) as port:
            return good_values(await driver("samsung-ehs-mim-b19n", port, 3).read())

    values = asyncio.run(run())
    assert values["outdoor_temp_c"] == pytest.approx(-3.5)
    assert values["flow_temp_c"] == pytest.approx(36.2)


def test_one_unknown_register_does_not_hide_its_neighbours():
    async def run():
        slave = Slave(valid={a for p in SAMSUNG.points for a in p.addresses} - {66})
        slave.hold(SAMSUNG, unit_status=7, return_temp_c=31.0)
        async with bus({3: slave}) as port:
            return {r.quantity: r for r in await driver("samsung-ehs-mim-b19n", port, 3).read()}

    readings = asyncio.run(run())
    assert readings["flow_temp_c"].quality is Quality.REFUSED
    assert readings["flow_temp_c"].value is None
    assert readings["return_temp_c"].value == pytest.approx(31.0)


@pytest.mark.parametrize("status", [0, 3, 15])
def test_a_module_that_has_not_found_its_unit_has_no_values(status):
    """After power-up all registers are 0 for minutes; with bit 3 the module repeats its last values."""

    async def run():
        slave = Slave()
        slave.hold(SAMSUNG, unit_status=status, outdoor_temp_c=5.0)
        async with bus({3: slave}) as port:
            return await driver("samsung-ehs-mim-b19n", port, 3).read(["outdoor_temp_c", "flow_temp_c"])

    assert {(r.value, r.quality) for r in asyncio.run(run())} == {(None, Quality.NOT_READY)}


def test_an_unplugged_wallbox_falls_back_to_its_pilot_state():
    async def run():
        slave = Slave()
        slave.hold(TELTONIKA, iec61851_state=0)
        slave.words[6] = 4
        async with bus({11: slave}) as port:
            return good_values(await driver("teltonika-teltocharge", port, 11).read(["ev_status"]))

    assert asyncio.run(run()) == {"ev_status": 0}


def test_writes_arrive_and_are_echoed():
    async def run():
        slave = Slave(write_functions=frozenset({16}))  # Deye stays silent on function 6
        wishes = [PointWrite("max_sell_power", 5000), PointWrite("solar_sell", 1)]
        async with bus({1: slave}) as port:
            device = driver("deye-sun-20k-hp3", port)
            acknowledgement = await device.write(wishes)
            return slave, acknowledgement, await device.read_back(wishes)

    slave, acknowledgement, echoes = asyncio.run(run())
    assert acknowledgement.accepted
    assert (slave.words[143], slave.words[145]) == (500, 1)
    assert all(echo.matches for echo in echoes)


def test_an_echo_tells_a_device_that_acknowledges_without_effect():
    async def run():
        slave = Slave()
        slave.hold(DEYE, max_sell_power=8000)
        async with bus({1: slave}) as port:
            return await driver("deye-sun-20k-hp3", port).read_back([PointWrite("max_sell_power", 5000)])

    (echo,) = asyncio.run(run())
    assert not echo.matches
    assert echo.found == 8000


def test_a_value_out_of_range_never_reaches_the_wire():
    async def run():
        slave = Slave()
        async with bus({11: slave}) as port:
            device = driver("teltonika-teltocharge", port, 11)
            for value in (3, 33, -1):
                with pytest.raises(SetpointRefused):
                    await device.write([PointWrite("ev_current_limit_a", value)])
        return slave.log

    assert asyncio.run(run()) == []


def test_a_refused_write_is_reported_and_not_repeated():
    async def run():
        slave = Slave(exception=ExcCodes.DEVICE_BUSY)
        async with bus({1: slave}) as port:
            return slave, await driver("deye-sun-20k-hp3", port).write([PointWrite("solar_sell", 1)])

    slave, acknowledgement = asyncio.run(run())
    assert not acknowledgement.accepted
    assert "busy" in acknowledgement.reason
    assert len(slave.writes) == 1


def test_a_busy_device_is_refused_readings_and_never_zero():
    async def run():
        async with bus({1: Slave(exception=ExcCodes.DEVICE_BUSY)}) as port:
            return await driver("deye-sun-20k-hp3", port).read()

    assert {(r.value, r.quality) for r in asyncio.run(run())} == {(None, Quality.REFUSED)}


def test_a_silent_device_costs_one_timeout_and_not_one_per_block():
    async def run():
        slave = Slave(silent=True)
        async with bus({1: slave}) as port:
            return slave, await driver("deye-sun-20k-hp3", port).read()

    slave, readings = asyncio.run(run())
    assert {r.quality for r in readings} == {Quality.NO_ANSWER}
    assert len(slave.reads) == 1


def test_nobody_at_the_address_is_no_answer_with_a_remedy():
    readings = asyncio.run(driver("deye-sun-20k-hp3", 1).read(["grid_power_w"]))
    assert [r.quality for r in readings] == [Quality.NO_ANSWER]
    assert "check cable and address" in readings[0].reason


def test_rtu_frames_over_tcp_are_understood():
    async def run():
        slave = Slave()
        slave.hold(DEYE, battery_soc_pct=41)
        async with bus({1: slave}, FramerType.RTU) as port:
            device = driver("deye-sun-20k-hp3", port, framing="rtu-over-tcp")
            return good_values(await device.read(["battery_soc_pct"]))

    assert asyncio.run(run()) == {"battery_soc_pct": 41}


def test_a_late_answer_on_a_serial_stream_is_never_taken_for_the_next_one():
    """With RTU over TCP a late answer shifts all following ones by one request, without any error."""

    async def answer(packet: bytes, number: int) -> bytes:
        await asyncio.sleep(0.12 if number == 0 else 0)
        start, count = struct.unpack(">HH", packet[2:6])
        return rtu(packet[0], struct.pack(f">BB{count}H", 3, 2 * count, *range(start, start + count)))

    async def run():
        async with scripted(answer) as port:
            connection = Connection(Endpoint("127.0.0.1", port, "rtu-over-tcp", timeout_s=0.08))
            with pytest.raises(DeviceFault):
                await connection.read(1, 3, 100, 2)
            found = [await connection.read(1, 3, start, 2) for start in (200, 300)]
            await connection.close()
            return found

    assert asyncio.run(run()) == [(200, 201), (300, 301)]


def test_a_cancelled_request_counts_as_a_lost_answer():
    async def answer(packet: bytes, number: int) -> bytes:
        await asyncio.sleep(0.05 if number == 0 else 0)
        start, count = struct.unpack(">HH", packet[2:6])
        return rtu(packet[0], struct.pack(f">BB{count}H", 3, 2 * count, *range(start, start + count)))

    async def run():
        async with scripted(answer) as port:
            connection = Connection(Endpoint("127.0.0.1", port, "rtu-over-tcp", timeout_s=0.1))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(connection.read(1, 3, 100, 2), 0.02)
            found = await connection.read(1, 3, 200, 2)
            await connection.close()
            return found

    assert asyncio.run(run()) == (200, 201)


def test_an_answer_of_another_length_is_garbage():
    async def answer(packet: bytes, number: int) -> bytes:
        return packet[:4] + struct.pack(">HBBBHHH", 9, packet[6], 3, 6, 77, 77, 77)

    async def run():
        async with scripted(answer) as port:
            return await driver("deye-sun-20k-hp3", port).read(["grid_power_w"])

    (reading,) = asyncio.run(run())
    assert (reading.value, reading.quality) == (None, Quality.GARBAGE)


def test_a_frame_of_another_unit_is_not_ours():
    async def answer(packet: bytes, number: int) -> bytes:
        count = struct.unpack(">H", packet[4:6])[0]
        return rtu(packet[0] + 1, struct.pack(f">BB{count}H", 3, 2 * count, *[7] * count))

    async def run():
        async with scripted(answer) as port:
            return await driver("teltonika-teltocharge", port, 11, framing="rtu-over-tcp").read(["ev_power_w"])

    assert [r.quality for r in asyncio.run(run())] == [Quality.NO_ANSWER]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(garbage=st.binary(max_size=60), keep=st.integers(0, 9), rtu_framing=st.booleans())
def test_no_good_reading_comes_from_garbage(garbage, keep, rtu_framing):
    """Random bytes, also behind a plausible head: a checksum, a length or a transaction id must give them away."""

    async def answer(packet: bytes, number: int) -> bytes:
        return packet[:keep] + garbage

    async def run():
        async with scripted(answer) as port:
            framing = "rtu-over-tcp" if rtu_framing else "modbus-tcp"
            device = driver("teltonika-teltocharge", port, 11, framing=framing, timeout_s=0.02)
            readings = await device.read(["voltage_l1", "current_l1", "ev_power_w", "session_energy_wh"])
            await device.close()
            return readings

    assert not [r for r in asyncio.run(run()) if r.is_good]


def test_requests_of_all_devices_behind_a_gateway_take_turns():
    """RS485 is half duplex: a second request in flight collides on the bus."""
    running, most = 0, 0

    async def answer(packet: bytes, number: int) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        count = struct.unpack(">H", packet[10:12])[0]
        return packet[:4] + struct.pack(f">HBBB{count}H", 3 + 2 * count, packet[6], 3, 2 * count, *[1] * count)

    async def run():
        async with scripted(answer) as port:
            connection = Connection(Endpoint("127.0.0.1", port))
            await asyncio.gather(*(connection.read(unit, 3, 0, 2) for unit in range(1, 9)))
            await connection.close()

    asyncio.run(run())
    assert most == 1


def rtu(unit: int, pdu: bytes) -> bytes:
    frame = bytes([unit]) + pdu
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")
