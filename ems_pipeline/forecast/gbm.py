"""Gradient-boosted quantiles: the only module that knows LightGBM. Rows of numbers in, one quantile per row out.

Trees are text, so they can be stored and any forecast made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ems_pipeline.arrays import Array


@dataclass(frozen=True)
class Settings:
    """How much trees may learn; one thread because a home computer has other work."""

    rounds: int = 120
    learning_rate: float = 0.07
    leaves: int = 15
    min_rows_in_leaf: int = 60
    columns_per_tree: float = 0.4
    rows_per_tree: float = 0.7
    random_cuts: bool = False
    """Split each feature at a random place and keep the best feature (extremely randomised trees): smoother."""
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True)
class Trees:
    """A booster as LightGBM text, and the names of its features."""

    text: str
    names: tuple[str, ...]

    def predict(self, rows: Array, names: tuple[str, ...]) -> Array:
        """The quantile trained for, per row, in the unit trained on.

        Raises:
            ValueError: the features are not those the trees were trained with.
        """
        if names != self.names:
            raise ValueError(
                f"the model was trained on {len(self.names)} features {self.names} and is asked with {len(names)} "
                f"features {names}; train it again"
            )
        predicted: Array = _booster(self.text).predict(rows, num_threads=1)
        return predicted

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Trees:
        """From what ``dataclasses.asdict`` gave, after a way through JSON; predicts the same to the last bit."""
        return cls(parts["text"], tuple(parts["names"]))


def fit(
    rows: Array, target: Array, quantile: float, names: tuple[str, ...], settings: Settings, weight: Array
) -> Trees:
    """Train on ``[row, feature]`` (NaN where unknown), one finite target and one importance per row."""
    import lightgbm

    parameters = {
        "objective": "quantile", "alpha": quantile, "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves, "min_data_in_leaf": settings.min_rows_in_leaf,
        "feature_fraction": settings.columns_per_tree, "bagging_fraction": settings.rows_per_tree, "bagging_freq": 1,
        "extra_trees": settings.random_cuts, "num_threads": settings.threads, "seed": settings.seed,
        "deterministic": True, "force_row_wise": True, "max_bin": 127, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(rows, target, weight=weight, feature_name=list(names), free_raw_data=True)
    trained = lightgbm.train(parameters, data, num_boost_round=settings.rounds)
    return Trees(str(trained.model_to_string()), names)


_LOADED: dict[str, Any] = {}


def _booster(text: str) -> Any:
    """The booster of a text; parsing costs tens of milliseconds, so the last few stay."""
    import lightgbm

    if text not in _LOADED:
        if len(_LOADED) >= 24:
            _LOADED.clear()
        _LOADED[text] = lightgbm.Booster(model_str=text)
    return _LOADED[text]
