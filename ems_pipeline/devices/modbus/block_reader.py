"""Registers of one unit, block by block: what comes, and for each register that does not, why.

A refused block is asked for in smaller parts, because one unknown register must not hide its neighbours; a device that
keeps silent is not asked on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus import blocks
from ems_pipeline.devices.modbus.blocks import ReadBlock
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.point import Point, asked_at

BIT_FUNCTIONS: dict[str, Literal[1, 2]] = {"coil": 1, "discrete-input": 2}


@dataclass(frozen=True, slots=True)
class BlockReader:
    """One unit behind a connection, asked in the way its map's link says."""

    connection: Connection
    unit_id: int
    link: Link
    gap_s: float

    async def words(self, points: Sequence[Point]) -> tuple[dict[int, int], dict[int, DeviceFault]]:
        """Registers of the points, and for each that is missing the reason."""
        reads = blocks.plan_reads(points, self.link)
        row, missing = await self.row(points, reads)
        addresses = [a for block in reads for a in block.addresses]
        return {a: word for a, word in zip(addresses, row, strict=True) if a not in missing}, missing

    async def row(
        self, points: Sequence[Point], reads: Iterable[ReadBlock]
    ) -> tuple[array[int], dict[int, DeviceFault]]:
        """Words of the blocks in their order, 0 where they are missing; and by register why they are."""
        row = array("H")
        missing: dict[int, DeviceFault] = {}
        silent: DeviceFault | None = None
        for block in reads:
            try:
                if silent is not None:  # a silent device would cost its timeout for every block
                    raise silent
                row.extend(await self.block(block))
            except DeviceFault as fault:
                found, lacking = await self._piecemeal(points, block, fault)
                row.extend(found.get(a, 0) for a in block.addresses)
                missing |= lacking
                silent = next((f for f in lacking.values() if f.device_wide), None)
        return row, missing

    async def block(self, block: ReadBlock) -> tuple[int, ...]:
        """The words of one request.

        Raises:
            DeviceFault: no, a negative or an unusable answer.
        """
        table, unit, start = asked_at(block.start)
        function = BIT_FUNCTIONS.get(table, self.link.read_function)
        return await self.connection.read(unit or self.unit_id, function, start, block.count, self.gap_s)

    async def _piecemeal(
        self, points: Sequence[Point], block: ReadBlock, refusal: DeviceFault
    ) -> tuple[dict[int, int], dict[int, DeviceFault]]:
        """A refused block in smaller parts, where that may help."""
        parts = blocks.smaller_reads(points, block, self.link)
        if not refusal.illegal_address or parts in ([], [block]):
            return {}, dict.fromkeys(block.addresses, refusal)
        words: dict[int, int] = {}
        faults: dict[int, DeviceFault] = {}
        for i, part in enumerate(parts):
            try:
                words |= zip(part.addresses, await self.block(part), strict=True)
            except DeviceFault as fault:
                found, lacking = await self._piecemeal([p for p in points if not p.optional], part, fault)
                words |= found
                faults |= lacking
                if any(f.device_wide for f in lacking.values()):
                    faults |= dict.fromkeys((a for one in parts[i:] for a in one.addresses), fault)
                    break
        return words, {a: fault for a, fault in faults.items() if a not in words}
