"""Arrays of numbers by what they hold; shapes stand where an array is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Quantities, mostly one per slot; what is unknown is NaN."""
Mask = NDArray[np.bool_]
"""Which of the elements of another array, a yes or no for each."""
Positions = NDArray[np.int64]
"""Where something stands in another array."""
Index = NDArray[np.int32]
"""Slots, columns and rows of a linear model, as HiGHS counts them."""
