"""Gradient-boosted quantiles: the only module that knows LightGBM. Rows of numbers in, three quantiles out.

The middle is trained on everything; the edges leave out the newest days, whose misses then say how far each edge must
move to cover what it claims (`calibration`). A model is text, so it can be stored and any forecast made again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ems_pipeline.forecast import calibration
from ems_pipeline.forecast.calibration import BandShift

Array = NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Settings:
    """How much a model may learn; one thread because a home computer has other work."""

    rounds: int = 120
    edge_rounds: int = 80
    learning_rate: float = 0.07
    leaves: int = 15
    min_rows_in_leaf: int = 60
    columns_per_tree: float = 0.4
    rows_per_tree: float = 0.7
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True)
class QuantileModel:
    """Three boosters as LightGBM text, lower edge, middle, upper edge, and the calibration of the band."""

    boosters: tuple[str, str, str]
    names: tuple[str, ...]
    band: BandShift

    def predict(self, rows: Array, names: tuple[str, ...]) -> tuple[Array, Array, Array]:
        """``(low, middle, high)`` per row, in the unit trained on, never crossing.

        Raises:
            ValueError: the features are not those the model was trained with.
        """
        if names != self.names:
            raise ValueError(
                f"the model was trained on {len(self.names)} features {self.names} and is asked with {len(names)} "
                f"features {names}; train it again"
            )
        low, middle, high = (_booster(text).predict(rows, num_threads=1) for text in self.boosters)
        low, high = self.band.apply(np.minimum(low, middle), middle, np.maximum(high, middle))
        return low, middle, high

    def document(self) -> str:
        """The model as JSON text; `from_document` gives it back and it forecasts the same to the last bit."""
        return json.dumps({"boosters": self.boosters, "names": self.names, "band": asdict(self.band)})

    @classmethod
    def from_document(cls, document: str) -> QuantileModel:
        """The model that `document` wrote."""
        parts = json.loads(document)
        return cls(tuple(parts["boosters"]), tuple(parts["names"]), BandShift(**parts["band"]))


_LOADED: dict[str, Any] = {}


def _booster(text: str) -> Any:
    """The booster of a text; parsing costs tens of milliseconds, so the last few stay."""
    import lightgbm

    if text not in _LOADED:
        if len(_LOADED) >= 24:
            _LOADED.clear()
        _LOADED[text] = lightgbm.Booster(model_str=text)
    return _LOADED[text]


def fit(
    rows: Array,
    target: Array,
    held_out: NDArray[np.bool_],
    names: tuple[str, ...],
    settings: Settings | None = None,
    weight: Array | None = None,
    independent: int | None = None,
) -> QuantileModel:
    """Train the three quantiles.

    Args:
        rows: ``[row, feature]``, NaN where unknown.
        target: one value per row, finite.
        held_out: rows of the newest days: the edges do not learn from them but are calibrated on them.
        names: of the features.
        weight: importance of each row, all equal by default.
        independent: how many independent pieces the held-out rows are, see `calibration.fit`.

    Raises:
        ValueError: no row to learn an edge from, or none to calibrate it.
    """
    if held_out.all() or not held_out.any():
        raise ValueError(
            f"{int(held_out.sum())} of {len(held_out)} rows are held out; both parts need some, give more history"
        )
    settings = settings or Settings()
    known = ~held_out
    edge = {q: _train(rows[known], target[known], q, names, settings, None if weight is None else weight[known])
            for q in (QUANTILES[0], QUANTILES[2])}  # fmt: skip
    middle = _train(rows, target, QUANTILES[1], names, settings, weight)
    texts = (edge[QUANTILES[0]], middle, edge[QUANTILES[2]])
    low, high = (_booster(texts[i]).predict(rows[held_out], num_threads=settings.threads) for i in (0, 2))
    return QuantileModel(texts, names, calibration.fit(target[held_out], low, high, independent))


def _train(
    rows: Array, target: Array, quantile: float, names: tuple[str, ...], settings: Settings, weight: Array | None
) -> str:
    import lightgbm

    parameters = {
        "objective": "quantile", "alpha": quantile, "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves, "min_data_in_leaf": settings.min_rows_in_leaf,
        "feature_fraction": settings.columns_per_tree, "bagging_fraction": settings.rows_per_tree, "bagging_freq": 1,
        "num_threads": settings.threads, "seed": settings.seed, "deterministic": True, "force_row_wise": True,
        "max_bin": 127, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(rows, target, weight=weight, feature_name=list(names), free_raw_data=True)
    rounds = settings.rounds if quantile == 0.5 else settings.edge_rounds
    return str(lightgbm.train(parameters, data, num_boost_round=rounds).model_to_string())
