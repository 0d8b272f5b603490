"""A problem as a linear model: arrays only, every block of columns and rows named.

linear.py  growing blocks -> arrays           build.py   every law applied once
laws/      one physical law = one function
"""

from ems_pipeline.arrays import Index
from ems_pipeline.plan.model.linear import Arrays, Block, Model

__all__ = ["Arrays", "Block", "Index", "Model"]
