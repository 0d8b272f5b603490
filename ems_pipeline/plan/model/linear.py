"""A linear model as growing blocks of columns and rows: arrays only, every block named.

The names make duals and conflicts readable; the arrays go to the solver in one call. Add nothing here: physics lives
in `laws`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ems_pipeline.arrays import Array, Index


@dataclass(frozen=True)
class Block:
    """Rows or columns ``[first, first + count)`` that one law added; ``slots`` are those they speak of."""

    name: str
    first: int
    count: int
    slots: Index


@dataclass(frozen=True)
class Arrays:
    """The whole model in compressed column form, ready for a solver."""

    cost: Array
    lower: Array
    upper: Array
    integer: Index
    row_lower: Array
    row_upper: Array
    start: Index
    index: Index
    value: Array
    offset: float


@dataclass
class Model:
    """Minimise ``cost @ x + offset`` subject to bounds and rows. Unit inside: kW, kWh, K and money."""

    n_columns: int = 0
    n_rows: int = 0
    offset: float = 0.0
    column_blocks: list[Block] = field(default_factory=list)
    row_blocks: list[Block] = field(default_factory=list)
    _columns: list[tuple[Array, Array, Array, Index]] = field(default_factory=list)
    _rows: list[tuple[Array, Array]] = field(default_factory=list)
    _entries: list[tuple[Index, Index, Array]] = field(default_factory=list)

    def columns(
        self,
        name: str,
        slots: Index,
        lower: ArrayLike,
        upper: ArrayLike,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Index:
        """One variable per entry of ``slots``; scalars are spread. Returns the column numbers."""
        count = len(slots)
        self.column_blocks.append(Block(name, self.n_columns, count, slots))
        self._columns.append(
            (_spread(lower, count), _spread(upper, count), _spread(cost, count), _flags(integer, count))
        )
        self.n_columns += count
        return np.arange(self.n_columns - count, self.n_columns, dtype=np.int32)

    def rows(self, name: str, slots: Index, lower: ArrayLike, upper: ArrayLike) -> Index:
        """One constraint ``lower <= sum of entries <= upper`` per entry of ``slots``. Returns the row numbers."""
        count = len(slots)
        self.row_blocks.append(Block(name, self.n_rows, count, slots))
        self._rows.append((_spread(lower, count), _spread(upper, count)))
        self.n_rows += count
        return np.arange(self.n_rows - count, self.n_rows, dtype=np.int32)

    def add(self, rows: Index, columns: Index, value: ArrayLike) -> None:
        """Put ``value`` at (rows[i], columns[i]); a cell may be named once only."""
        self._entries.append((rows, columns, _spread(value, len(rows))))

    def column(self, name: str, slot: int) -> int | None:
        """The column of a block in a slot; None where the model has none."""
        for block in self.column_blocks:
            if block.name == name:
                return next((block.first + int(at) for at in np.flatnonzero(block.slots == slot)), None)
        return None

    def arrays(self) -> Arrays:
        """The finished model."""
        lower, upper, cost, integer = (_joined(c) for c in zip(*self._columns, strict=True))
        row_lower, row_upper = (_joined(r) for r in zip(*self._rows, strict=True))
        row, column, value = (_joined(e) for e in zip(*self._entries, strict=True))
        order = np.argsort(column, kind="stable")
        start = np.zeros(self.n_columns + 1, np.int32)
        np.cumsum(np.bincount(column, minlength=self.n_columns), out=start[1:])
        return Arrays(
            cost, lower, upper, integer, row_lower, row_upper, start, row[order], value[order], self.offset
        )  # fmt: skip


def _joined(parts: Any) -> Any:
    return np.concatenate(parts)


def _spread(value: ArrayLike, count: int) -> Array:
    array = np.asarray(value, dtype=float)
    return np.full(count, array) if array.ndim == 0 else array


def _flags(integer: bool, count: int) -> Index:
    return np.full(count, integer, dtype=np.int32)
